package dev.yushan.data;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.CsvRecord;
import de.siegmar.fastcsv.reader.CsvRecordHandler;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// Comma-separated values (RFC 4180) below a line of column names. Blank lines are no records. A
/// row of more or fewer fields than the header is bad; where quotes are wrong there is no knowing
/// where the next row begins, which is an error whatever `on_bad_record` says.
///
/// The structure is cut out of bytes, taken as characters of Latin-1: UTF-8 has its commas, quotes
/// and line ends nowhere else. So a field of invalid UTF-8 spoils its row alone, and other threads
/// decode.
final class CsvRecordReader implements RecordReader {
  private static final int LONGEST_FIELD_BYTES = 1 << 28;

  private final SourceFile file;
  private final CsvReader<CsvRecord> csv;
  private final Iterator<CsvRecord> rows;
  private final int width;
  private final int[] wanted;

  CsvRecordReader(SourceFile file, InputStream in) throws IOException {
    this.file = file;
    CsvRecordHandler handler =
        CsvRecordHandler.of(
            h -> h.maxFieldSize(LONGEST_FIELD_BYTES).maxRecordSize(Integer.MAX_VALUE));
    csv =
        CsvReader.builder()
            .maxBufferSize(LONGEST_FIELD_BYTES)
            .allowExtraFields(true)
            .allowMissingFields(true)
            .build(handler, new Bytes(withoutByteOrderMark(in)));
    rows = csv.iterator();
    List<String> header = header();
    width = header.size();
    wanted = file.columns().columns().stream().mapToInt(c -> index(c, header)).toArray();
  }

  private static InputStream withoutByteOrderMark(InputStream in) throws IOException {
    InputStream buffered = new BufferedInputStream(in, 1 << 16);
    buffered.mark(3);
    byte[] first = buffered.readNBytes(3);
    if (Utf8.withoutByteOrderMark(first).length > 0) {
      buffered.reset();
    }
    return buffered;
  }

  private List<String> header() {
    CsvRecord first =
        row()
            .orElseThrow(
                () ->
                    new DataException(
                        file.path()
                            + " has no line of column names: write one above the first row"));
    return first.getFields().stream().map(this::name).toList();
  }

  private String name(String field) {
    try {
      return Utf8.decode(bytes(field));
    } catch (CharacterCodingException e) {
      throw new DataException(
          file.path() + ": the column names are no UTF-8: convert the file, for example by iconv",
          e);
    }
  }

  private int index(Column column, List<String> header) {
    int index = header.indexOf(column.name());
    if (index < 0) {
      throw column.absent(file.path(), header);
    }
    if (index != header.lastIndexOf(column.name())) {
      throw new DataException(
          "%s has two columns %s; rename one of them".formatted(file.path(), column.name()));
    }
    return index;
  }

  private Optional<CsvRecord> row() {
    try {
      CsvRecord row = rows.next();
      String last = row.getField(row.getFieldCount() - 1);
      if (last.equals(Bytes.END)) {
        return Optional.empty();
      }
      if (last.endsWith(Bytes.END)) {
        throw broken("the row that begins in line " + row.getStartingLineNumber(), "no end", null);
      }
      return Optional.of(row);
    } catch (CsvParseException e) {
      throw broken(e.getMessage(), e.getCause().getMessage(), e);
    } catch (UncheckedIOException e) {
      throw new DataException(
          "%s cannot be read (%s: %s): is the file complete?"
              .formatted(file.path(), e.getMessage(), e.getCause()),
          e);
    }
  }

  private DataException broken(String where, String why, RuntimeException cause) {
    return new DataException(
        "%s cannot be read: %s: %s; repair its quotes: they are around a field with a comma, a quote or a line break, and a quote in it is written twice"
            .formatted(file.path(), where, why),
        cause);
  }

  @Override
  public Optional<RawRecord> next() {
    return row().map(this::record);
  }

  private RawRecord record(CsvRecord row) {
    long line = row.getStartingLineNumber();
    if (row.getFieldCount() != width) {
      String why = "has %d fields, the header has %d".formatted(row.getFieldCount(), width);
      String fields = String.join(",", row.getFields());
      return new RawRecord(
          line,
          0,
          () -> new RecordContent.Bad(why, new String(bytes(fields), StandardCharsets.UTF_8)));
    }
    // not the row itself, which holds on to columns that are not wanted
    String[] fields = new String[wanted.length];
    long bytes = 0;
    for (int i = 0; i < wanted.length; i++) {
      fields[i] = row.getField(wanted[i]);
      bytes += fields[i].length();
    }
    return new RawRecord(
        line, bytes, () -> file.columns().content(i -> Utf8.value(bytes(fields[i]))));
  }

  private static byte[] bytes(String field) {
    return field.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() {
    try {
      csv.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Bytes as characters, and below them a line with a character that no byte is: a row that ends
  /// with it, and more, has a quote without an end.
  private static final class Bytes extends Reader {
    static final String END = "\uFFFF";

    private final InputStream in;
    private final byte[] buffer = new byte[1 << 13];
    private final StringReader end = new StringReader("\n" + END);

    Bytes(InputStream in) {
      this.in = in;
    }

    @Override
    public int read(char[] target, int offset, int length) throws IOException {
      int n = in.read(buffer, 0, Math.min(length, buffer.length));
      if (n < 0) {
        return end.read(target, offset, length);
      }
      for (int i = 0; i < n; i++) {
        target[offset + i] = (char) (buffer[i] & 0xFF);
      }
      return n;
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
