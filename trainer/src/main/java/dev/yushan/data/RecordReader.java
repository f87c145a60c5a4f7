package dev.yushan.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/// Reads the records of one file in order. What is wrong with one record is its content
/// ([RecordContent.Bad]); a file that cannot be read on from some place is a [DataException].
interface RecordReader extends AutoCloseable {
  /// The next record, or nothing at the end.
  Optional<RawRecord> next();

  @Override
  void close();

  /// Opens `file` by its format.
  static RecordReader open(SourceFile file) {
    try {
      return switch (file.format()) {
        case TXT -> new TextFileReader(file.path());
        case JSONL -> new JsonLineReader(file, Files.newInputStream(file.path()));
        case JSONL_GZ -> new JsonLineReader(file, gunzip(Files.newInputStream(file.path())));
        case JSON -> json(file);
        case PARQUET -> ParquetRecordReader.open(file);
      };
    } catch (IOException e) {
      throw new DataException(file.path() + " cannot be read: " + e, e);
    }
  }

  private static InputStream gunzip(InputStream file) throws IOException {
    try {
      return new GZIPInputStream(file, 1 << 16);
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  /// An array, or what other tools also call `.json`: one object a line.
  private static RecordReader json(SourceFile file) throws IOException {
    InputStream in = new BufferedInputStream(Files.newInputStream(file.path()), 1 << 16);
    in.mark(1 << 16);
    int first = in.read();
    for (int i = 1; i < 1 << 16 && (Character.isWhitespace(first) || isByteOrderMark(first)); i++) {
      first = in.read();
    }
    in.reset();
    return first == '[' ? new JsonArrayReader(file, in) : new JsonLineReader(file, in);
  }

  private static boolean isByteOrderMark(int b) {
    return b == 0xEF || b == 0xBB || b == 0xBF;
  }
}
