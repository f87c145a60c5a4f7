package dev.yushan.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// A `.txt` file: one document, without the byte order mark if it begins with one.
final class TextFileReader implements RecordReader {
  private final Path path;
  private boolean done;

  TextFileReader(Path path) {
    this.path = path;
  }

  @Override
  public Optional<RawRecord> next() {
    if (done) {
      return Optional.empty();
    }
    done = true;
    try {
      if (Files.size(path) > Integer.MAX_VALUE - 16) {
        throw new DataException(path + " is larger than 2 GiB, one document: split it into files");
      }
      byte[] bytes = Utf8.withoutByteOrderMark(Files.readAllBytes(path));
      return Optional.of(new RawRecord(1, bytes.length, () -> Utf8.content(bytes)));
    } catch (IOException e) {
      throw new DataException(path + " cannot be read: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {}
}
