package dev.yushan.data;

/// A required column of a flat Parquet file.
public record ParquetColumn(String name, Type type) {
  /// What its values are.
  public enum Type {
    /// `String`
    STRING(6),
    /// `Integer`
    INT32(1),
    /// `Long`
    INT64(2);

    private final int physical;

    Type(int physical) {
      this.physical = physical;
    }

    /// The number of the physical type in `parquet.thrift`.
    int physical() {
      return physical;
    }
  }

  public static ParquetColumn string(String name) {
    return new ParquetColumn(name, Type.STRING);
  }

  public static ParquetColumn int32(String name) {
    return new ParquetColumn(name, Type.INT32);
  }

  public static ParquetColumn int64(String name) {
    return new ParquetColumn(name, Type.INT64);
  }
}
