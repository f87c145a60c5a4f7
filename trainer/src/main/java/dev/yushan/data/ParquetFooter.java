package dev.yushan.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The metadata of a Parquet file of required columns as Thrift: numbers are field ids and enums of
/// `parquet.thrift` (apache/parquet-format 2.11).
final class ParquetFooter {
  private static final int DATA_PAGE = 0;
  private static final int REQUIRED = 0;
  private static final int UTF8 = 0;
  private static final int PLAIN = 0;
  private static final int RLE = 3;
  private static final int ZSTD = 6;

  private ParquetFooter() {}

  /// Where the values of a column of a row group are.
  ///
  /// @param offset of its first page in the file
  /// @param plainBytes with the headers of the pages, before compression
  /// @param storedBytes with the headers of the pages, in the file
  record Chunk(ParquetColumn column, long offset, long plainBytes, long storedBytes) {}

  /// Some rows, all columns.
  record RowGroup(long rows, List<Chunk> chunks) {
    long plainBytes() {
      return chunks.stream().mapToLong(Chunk::plainBytes).sum();
    }

    long storedBytes() {
      return chunks.stream().mapToLong(Chunk::storedBytes).sum();
    }
  }

  /// The header of a page of `values`, without levels as nothing is null.
  static byte[] pageHeader(int values, int plainBytes, int storedBytes, int crc) {
    ThriftStruct data = new ThriftStruct().i32(1, values).i32(2, PLAIN).i32(3, RLE).i32(4, RLE);
    return new ThriftStruct()
        .i32(1, DATA_PAGE)
        .i32(2, plainBytes)
        .i32(3, storedBytes)
        .i32(4, crc)
        .struct(5, data)
        .bytes();
  }

  /// All that a reader needs to know first.
  ///
  /// @param metadata keys and values of the writer's own, written in the order of the keys
  static byte[] bytes(
      List<ParquetColumn> columns,
      List<RowGroup> groups,
      Map<String, String> metadata,
      String createdBy) {
    List<ThriftStruct> rowGroups = new ArrayList<>();
    for (RowGroup group : groups) {
      rowGroups.add(rowGroup(group, rowGroups.size()));
    }
    return new ThriftStruct()
        .i32(1, 1)
        .structs(2, schema(columns))
        .i64(3, groups.stream().mapToLong(RowGroup::rows).sum())
        .structs(4, rowGroups)
        .structs(
            5,
            new TreeMap<>(metadata)
                .entrySet().stream()
                    .map(e -> new ThriftStruct().string(1, e.getKey()).string(2, e.getValue()))
                    .toList())
        .string(6, createdBy)
        .bytes();
  }

  private static List<ThriftStruct> schema(List<ParquetColumn> columns) {
    List<ThriftStruct> schema = new ArrayList<>();
    schema.add(new ThriftStruct().string(4, "schema").i32(5, columns.size()));
    for (ParquetColumn column : columns) {
      ThriftStruct element =
          new ThriftStruct()
              .i32(1, column.type().physical())
              .i32(3, REQUIRED)
              .string(4, column.name());
      if (column.type() == ParquetColumn.Type.STRING) {
        ThriftStruct stringType = new ThriftStruct().struct(1, new ThriftStruct());
        element.i32(6, UTF8).struct(10, stringType);
      }
      schema.add(element);
    }
    return schema;
  }

  private static ThriftStruct rowGroup(RowGroup group, int ordinal) {
    ThriftStruct struct =
        new ThriftStruct()
            .structs(1, group.chunks().stream().map(c -> chunk(c, group.rows())).toList())
            .i64(2, group.plainBytes())
            .i64(3, group.rows())
            .i64(5, group.chunks().getFirst().offset())
            .i64(6, group.storedBytes());
    // optional, and 16 bits wide
    return ordinal <= Short.MAX_VALUE ? struct.i16(7, (short) ordinal) : struct;
  }

  private static ThriftStruct chunk(Chunk chunk, long rows) {
    ThriftStruct noNulls = new ThriftStruct().i64(3, 0);
    ThriftStruct metadata =
        new ThriftStruct()
            .i32(1, chunk.column().type().physical())
            .i32s(2, List.of(PLAIN, RLE))
            .strings(3, List.of(chunk.column().name()))
            .i32(4, ZSTD)
            .i64(5, rows)
            .i64(6, chunk.plainBytes())
            .i64(7, chunk.storedBytes())
            .i64(9, chunk.offset())
            .struct(12, noNulls);
    return new ThriftStruct().i64(2, chunk.offset()).struct(3, metadata);
  }
}
