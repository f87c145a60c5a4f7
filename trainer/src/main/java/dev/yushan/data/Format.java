package dev.yushan.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/// The file formats read as training data, known by the end of the file name.
public enum Format {
  /// One file is one document.
  TXT(".txt", ""),
  /// One JSON object a line.
  JSONL(".jsonl", "line"),
  /// The same, compressed with gzip.
  JSONL_GZ(".jsonl.gz", "line"),
  /// The same, compressed with zstd.
  JSONL_ZST(".jsonl.zst", "line"),
  /// One JSON array of objects; a file of JSON lines under this name is read as such.
  JSON(".json", "record"),
  /// The same, compressed with gzip.
  JSON_GZ(".json.gz", "record"),
  /// The same, compressed with zstd.
  JSON_ZST(".json.zst", "record"),
  /// Comma-separated values below a line of column names.
  CSV(".csv", "line"),
  /// The same, compressed with gzip.
  CSV_GZ(".csv.gz", "line"),
  /// The same, compressed with zstd.
  CSV_ZST(".csv.zst", "line"),
  /// Apache Parquet: uncompressed, gzip, snappy or zstd.
  PARQUET(".parquet", "row");

  private final String ending;
  private final String unit;

  Format(String ending, String unit) {
    this.ending = ending;
    this.unit = unit;
  }

  /// What one record is called in messages: line, record, row; empty where a file is one record.
  String unit() {
    return unit;
  }

  boolean isGzip() {
    return ending.endsWith(".gz");
  }

  boolean isZstd() {
    return ending.endsWith(".zst");
  }

  /// The format of a file by its name, if it is a known one.
  public static Optional<Format> of(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return Arrays.stream(values()).filter(f -> name.endsWith(f.ending)).findFirst();
  }

  /// The name of a file without the ending of its format; of no known format, as it is.
  public static String withoutEnding(Path file) {
    String name = file.getFileName().toString();
    return of(file).map(f -> name.substring(0, name.length() - f.ending.length())).orElse(name);
  }

  static String known() {
    return Arrays.stream(values()).map(f -> f.ending).collect(Collectors.joining(", "));
  }
}
