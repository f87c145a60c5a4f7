package dev.yushan.data;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.LogicalType.IntType;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import dev.hardwood.row.PqIntList;
import dev.hardwood.row.PqList;
import dev.hardwood.row.PqLongList;
import dev.hardwood.schema.ColumnProjection;
import dev.hardwood.schema.SchemaNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// A Parquet file: list columns `input_ids` (and `labels`) if it has them, else the columns of the
/// text. Columns that are not asked for are not read. A file whose columns or pages cannot be read
/// is an error whatever `on_bad_record` says.
final class ParquetRecordReader implements RecordReader {
  private final SourceFile file;
  private final ParquetFileReader parquet;
  private final RowReader rows;
  private final List<Cell> cells;
  private final boolean hasIds;
  private final boolean hasLabels;
  private long row;

  private ParquetRecordReader(SourceFile file, ParquetFileReader parquet) {
    this.file = file;
    this.parquet = parquet;
    List<SchemaNode> columns = parquet.getFileSchema().getRootNode().children();
    hasIds = isIntegerList(columns, JsonRecords.INPUT_IDS);
    hasLabels = hasIds && isIntegerList(columns, JsonRecords.LABELS);
    cells =
        hasIds ? List.of() : file.columns().columns().stream().map(c -> cell(c, columns)).toList();
    Stream<String> wanted =
        hasIds
            ? Stream.of(JsonRecords.INPUT_IDS, JsonRecords.LABELS).limit(hasLabels ? 2 : 1)
            : cells.stream().map(cell -> cell.column().name()).distinct();
    rows =
        parquet
            .buildRowReader()
            .projection(ColumnProjection.columns(wanted.toArray(String[]::new)))
            .build();
  }

  /// Opens `file` and checks that its schema has what is needed.
  static ParquetRecordReader open(SourceFile file) throws IOException {
    ParquetFileReader parquet = null;
    try {
      parquet = ParquetFileReader.open(InputFile.of(file.path()));
      return new ParquetRecordReader(file, parquet);
    } catch (RuntimeException | IOException e) {
      if (parquet != null) {
        parquet.close();
      }
      if (e instanceof DataException problem) {
        throw problem;
      }
      throw new DataException(file.path() + " is no readable Parquet file: " + e.getMessage(), e);
    }
  }

  private boolean isIntegerList(List<SchemaNode> columns, String name) {
    for (SchemaNode column : columns) {
      if (column.name().equals(name)) {
        if (column instanceof SchemaNode.GroupNode group
            && group.isList()
            && group.getListElement() instanceof SchemaNode.PrimitiveNode element
            && (element.type() == PhysicalType.INT32 || element.type() == PhysicalType.INT64)) {
          return true;
        }
        throw new DataException(file.path() + ": column " + name + " is no list of integers");
      }
    }
    return false;
  }

  /// A column of text or whole numbers.
  private record Cell(Column column, PhysicalType type, boolean isUnsigned) {}

  private Cell cell(Column column, List<SchemaNode> columns) {
    for (SchemaNode node : columns) {
      if (node.name().equals(column.name())) {
        if (node instanceof SchemaNode.PrimitiveNode leaf
            && leaf.maxRepetitionLevel() == 0
            && (leaf.type() == PhysicalType.BYTE_ARRAY
                || isWholeNumber(leaf) && !column.textOnly())) {
          boolean isUnsigned = leaf.logicalType() instanceof IntType number && !number.isSigned();
          return new Cell(column, leaf.type(), isUnsigned);
        }
        throw new DataException(
            "%s: column %s is no %s column; name another (key %s)"
                .formatted(file.path(), column.name(), column.kind(), column.key()));
      }
    }
    throw column.absent(file.path(), columns.stream().map(SchemaNode::name).toList());
  }

  /// Not a date, time or decimal, which are stored as whole numbers too.
  private static boolean isWholeNumber(SchemaNode.PrimitiveNode leaf) {
    return (leaf.type() == PhysicalType.INT32 || leaf.type() == PhysicalType.INT64)
        && (leaf.logicalType() == null || leaf.logicalType() instanceof IntType);
  }

  @Override
  public Optional<RawRecord> next() {
    try {
      if (!rows.hasNext()) {
        return Optional.empty();
      }
      rows.next();
      row++;
      return Optional.of(hasIds ? ids() : text());
    } catch (RuntimeException e) {
      throw new DataException(
          file.path() + " cannot be read after row " + row + " (" + e + "): is it complete?", e);
    }
  }

  private RawRecord text() {
    List<Supplier<Column.Value>> values = new ArrayList<>();
    long bytes = 0;
    for (Cell cell : cells) {
      String name = cell.column().name();
      if (rows.isNull(name)) {
        values.add(() -> new Column.Value.Missing("column " + name + " is null"));
      } else if (cell.type() == PhysicalType.BYTE_ARRAY) {
        byte[] utf8 = rows.getBinary(name);
        values.add(() -> Utf8.value(utf8));
        bytes += utf8.length;
      } else {
        Column.Value number = new Column.Value.Text(number(cell));
        values.add(() -> number);
        bytes += Long.BYTES;
      }
    }
    return new RawRecord(row, bytes, () -> file.columns().content(i -> values.get(i).get()));
  }

  private String number(Cell cell) {
    if (cell.type() == PhysicalType.INT32) {
      int value = rows.getInt(cell.column().name());
      return cell.isUnsigned() ? Integer.toUnsignedString(value) : Integer.toString(value);
    }
    long value = rows.getLong(cell.column().name());
    return cell.isUnsigned() ? Long.toUnsignedString(value) : Long.toString(value);
  }

  private RawRecord bad(String why) {
    return new RawRecord(row, 0, () -> new RecordContent.Bad(why));
  }

  private RawRecord ids() {
    for (String column : List.of(JsonRecords.INPUT_IDS, JsonRecords.LABELS)) {
      if (column.equals(JsonRecords.LABELS) && !hasLabels) {
        continue;
      }
      if (rows.isNull(column)) {
        return bad("column " + column + " is null");
      }
      PqList list = rows.getList(column);
      for (int i = 0; i < list.size(); i++) {
        if (list.isNull(i)) {
          return bad("%s[%d] is null".formatted(column, i));
        }
      }
    }
    int[] ids = ints(JsonRecords.INPUT_IDS);
    int[] labels = hasLabels ? ints(JsonRecords.LABELS) : new int[0];
    RecordContent content = JsonRecords.ids(ids, hasLabels, labels);
    return new RawRecord(row, 4L * (ids.length + labels.length), () -> content);
  }

  private int[] ints(String column) {
    PqList list = rows.getList(column);
    SchemaNode.GroupNode group = (SchemaNode.GroupNode) parquet.getFileSchema().getField(column);
    if (((SchemaNode.PrimitiveNode) group.getListElement()).type() == PhysicalType.INT32) {
      PqIntList ints = list.ints();
      return ints.toArray();
    }
    PqLongList longs = list.longs();
    int[] ints = new int[longs.size()];
    for (int i = 0; i < ints.length; i++) {
      // no id and no label is out of this range, so that clamping keeps a wrong one wrong
      ints[i] = Math.clamp(longs.get(i), Integer.MIN_VALUE, Integer.MAX_VALUE);
    }
    return ints;
  }

  @Override
  public void close() {
    try {
      rows.close();
      parquet.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
