package dev.yushan.data;

import com.github.luben.zstd.ZstdInputStream;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

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
        case PARQUET -> ParquetRecordReader.open(file);
        case JSONL, JSONL_GZ, JSONL_ZST, JSON, JSON_GZ, JSON_ZST, CSV, CSV_GZ, CSV_ZST ->
            stream(file);
      };
    } catch (IOException e) {
      throw new DataException(file.path() + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static RecordReader stream(SourceFile file) throws IOException {
    InputStream in = Files.newInputStream(file.path());
    try {
      InputStream plain = decompressed(file.format(), in);
      return switch (file.format()) {
        case JSON, JSON_GZ, JSON_ZST -> json(file, plain);
        case CSV, CSV_GZ, CSV_ZST -> new CsvRecordReader(file, plain);
        default -> new JsonLineReader(file, plain);
      };
    } catch (RuntimeException | IOException e) {
      in.close();
      throw e;
    }
  }

  private static InputStream decompressed(Format format, InputStream in) throws IOException {
    if (format.isGzip()) {
      return gunzipped(in);
    }
    // corpora are often packed with --long: its window may be as large as the format allows
    return format.isZstd() ? new ZstdInputStream(in).setLongMax(31) : in;
  }

  private static InputStream gunzipped(InputStream in) throws IOException {
    try {
      return new GZIPInputStream(in, 1 << 16);
    } catch (ZipException e) {
      throw new IOException("it is named as gzip but is none; rename it, or fetch it again", e);
    }
  }

  /// An array, or what other tools also call `.json`: one object a line.
  private static RecordReader json(SourceFile file, InputStream plain) throws IOException {
    InputStream in = new BufferedInputStream(plain, 1 << 16);
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
