package dev.yushan.data;

import dev.hardwood.InputFile;
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
import java.util.List;
import java.util.Optional;

/// A Parquet file: list columns `input_ids` (and `labels`) if it has them, else the text column. A
/// file whose columns or pages cannot be read is an error whatever `on_bad_record` says.
final class ParquetRecordReader implements RecordReader {
  private final SourceFile file;
  private final ParquetFileReader parquet;
  private final RowReader rows;
  private final boolean hasIds;
  private final boolean hasLabels;
  private long row;

  private ParquetRecordReader(SourceFile file, ParquetFileReader parquet) {
    this.file = file;
    this.parquet = parquet;
    List<SchemaNode> columns = parquet.getFileSchema().getRootNode().children();
    hasIds = isIntegerList(columns, JsonRecords.INPUT_IDS);
    hasLabels = hasIds && isIntegerList(columns, JsonRecords.LABELS);
    String[] wanted =
        hasLabels
            ? new String[] {JsonRecords.INPUT_IDS, JsonRecords.LABELS}
            : new String[] {hasIds ? JsonRecords.INPUT_IDS : file.textColumn()};
    if (!hasIds) {
      checkText(columns);
    }
    rows = parquet.buildRowReader().projection(ColumnProjection.columns(wanted)).build();
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

  private void checkText(List<SchemaNode> columns) {
    for (SchemaNode column : columns) {
      if (column.name().equals(file.textColumn())) {
        if (column instanceof SchemaNode.PrimitiveNode leaf
            && leaf.type() == PhysicalType.BYTE_ARRAY
            && leaf.maxRepetitionLevel() == 0) {
          return;
        }
        throw new DataException(
            file.path() + ": column " + file.textColumn() + " is no string column");
      }
    }
    throw new DataException(
        "%s has no column %s (key text_column); it has %s"
            .formatted(
                file.path(), file.textColumn(), columns.stream().map(SchemaNode::name).toList()));
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
    if (rows.isNull(file.textColumn())) {
      return bad("column " + file.textColumn() + " is null");
    }
    byte[] bytes = rows.getBinary(file.textColumn());
    return new RawRecord(row, bytes.length, () -> Utf8.content(bytes));
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
