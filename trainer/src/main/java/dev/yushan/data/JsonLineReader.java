package dev.yushan.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Optional;

/// JSON lines: one object a line; blank lines are no records but count as lines.
final class JsonLineReader implements RecordReader {
  private final SourceFile file;
  private final InputStream in;
  private final byte[] buffer = new byte[1 << 16];
  private int at;
  private int end;
  private byte[] line = new byte[1 << 12];
  private long lineNumber;

  JsonLineReader(SourceFile file, InputStream in) {
    this.file = file;
    this.in = in;
  }

  @Override
  public Optional<RawRecord> next() {
    try {
      for (int length = readLine(); length >= 0; length = readLine()) {
        if (!isBlank(length)) {
          byte[] bytes = Arrays.copyOf(line, length);
          byte[] json = lineNumber == 1 ? Utf8.withoutByteOrderMark(bytes) : bytes;
          return Optional.of(new RawRecord(lineNumber, length, () -> content(json)));
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      throw new DataException(
          file.path()
              + " cannot be read after line "
              + lineNumber
              + " ("
              + e
              + "): is the file complete?",
          e);
    }
  }

  /// A line that cannot be used is kept as it is.
  private RecordContent content(byte[] json) {
    RecordContent content = JsonRecords.parse(json, file.columns());
    return content instanceof RecordContent.Bad bad
        ? new RecordContent.Bad(bad.why(), new String(json, UTF_8))
        : content;
  }

  /// Reads one line into `line`; its length without the line feed, or −1 at the end of the file.
  private int readLine() throws IOException {
    int length = 0;
    boolean any = false;
    while (true) {
      if (at == end) {
        at = 0;
        end = Math.max(0, in.read(buffer));
        if (end == 0) {
          lineNumber += any ? 1 : 0;
          return any ? length : -1;
        }
      }
      any = true;
      int stop = at;
      while (stop < end && buffer[stop] != '\n') {
        stop++;
      }
      if ((long) length + stop - at > Integer.MAX_VALUE - 16) {
        throw new DataException(
            file.path() + " line " + (lineNumber + 1) + " is longer than 2 GiB: split the record");
      }
      if (length + stop - at > line.length) {
        line = Arrays.copyOf(line, grown(length + stop - at));
      }
      System.arraycopy(buffer, at, line, length, stop - at);
      length += stop - at;
      at = stop;
      if (stop < end) {
        at++;
        lineNumber++;
        return length;
      }
    }
  }

  private static int grown(int needed) {
    return (int) Math.min(Integer.MAX_VALUE - 16, 2L * needed);
  }

  private boolean isBlank(int length) {
    for (int i = 0; i < length; i++) {
      if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
        return false;
      }
    }
    return true;
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
