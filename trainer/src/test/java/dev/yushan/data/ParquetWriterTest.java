package dev.yushan.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hardwood.InputFile;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is written is read again by hardwood, which is not ours.
class ParquetWriterTest {
  private static final List<ParquetColumn> COLUMNS =
      List.of(
          ParquetColumn.string("text"),
          ParquetColumn.string("id"),
          ParquetColumn.int32("tokens"),
          ParquetColumn.int64("place"));

  private record Row(String text, String id, int tokens, long place) {}

  @TempDir Path directory;

  private static List<Row> rows(Random random, int count, int longest) {
    List<Row> rows = new ArrayList<>();
    for (String text : TestData.texts(random, count, longest)) {
      String given = random.nextInt(10) == 0 ? "" : text;
      rows.add(new Row(given, "id-" + rows.size(), random.nextInt(), random.nextLong()));
    }
    return rows;
  }

  private Path write(String name, List<Row> rows, long rowGroupBytes) {
    Path file = directory.resolve(name);
    ParquetWriter.write(
        file,
        COLUMNS,
        Map.of("made", "玉山", "by", "test"),
        rowGroupBytes,
        out -> {
          for (Row row : rows) {
            out.add(row.text(), row.id(), row.tokens(), row.place());
          }
        });
    return file;
  }

  private static List<Row> read(Path file) throws IOException {
    List<Row> rows = new ArrayList<>();
    try (ParquetFileReader parquet = ParquetFileReader.open(InputFile.of(file));
        RowReader reader = parquet.buildRowReader().build()) {
      while (reader.hasNext()) {
        reader.next();
        rows.add(
            new Row(
                reader.getString("text"),
                reader.getString("id"),
                reader.getInt("tokens"),
                reader.getLong("place")));
      }
    }
    return rows;
  }

  private static FileMetaData metadata(Path file) throws IOException {
    try (ParquetFileReader parquet = ParquetFileReader.open(InputFile.of(file))) {
      return parquet.getFileMetaData();
    }
  }

  @Test
  void randomRowsComeBack() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("seed of random rows: " + seed);
    Random random = new Random(seed);
    List<Row> rows = rows(random, 3000, 200);
    Path file = write("rows.parquet", rows, 100_000);
    assertThat(read(file)).isEqualTo(rows);
    FileMetaData metadata = metadata(file);
    assertThat(metadata.rowGroups()).hasSizeGreaterThan(5);
    assertThat(metadata.numRows()).isEqualTo(3000);
    assertThat(metadata.createdBy()).startsWith("yushan version ");
    assertThat(metadata.keyValueMetadata()).isEqualTo(Map.of("made", "玉山", "by", "test"));
    assertThat(write("again.parquet", rows, 100_000)).hasSameBinaryContentAs(file);
  }

  @Test
  void ourReaderReadsTheTexts() {
    List<Row> rows = List.of(new Row("玉山🏔", "1", 2, 3), new Row("", "2", 3, 4));
    assertThat(TestData.records(TestData.file(write("our.parquet", rows, 1000))))
        .containsExactly("1: 玉山🏔", "2: EMPTY the text is empty");
  }

  @Test
  void noRowOneRowAndManyRows() throws IOException {
    assertThat(read(write("none.parquet", List.of(), 1000))).isEmpty();
    List<Row> one = List.of(new Row("", "🏔", Integer.MIN_VALUE, Long.MIN_VALUE));
    assertThat(read(write("one.parquet", one, 1))).isEqualTo(one);
    assertThat(metadata(directory.resolve("one.parquet")).rowGroups()).hasSize(1);
    List<Row> many = rows(new Random(7), 100_000, 20);
    Path file = write("many.parquet", many, ParquetWriter.ROW_GROUP_BYTES);
    assertThat(read(file)).isEqualTo(many);
    assertThat(metadata(file).rowGroups()).hasSize(1);
  }

  @Test
  void aTextLongerThanAPageIsOnePage() throws IOException {
    List<Row> rows = List.of(new Row("長".repeat(2_000_000), "a", 1, 1), new Row("短", "b", 2, 2));
    assertThat(read(write("long.parquet", rows, 1 << 20))).isEqualTo(rows);
  }

  @Test
  void whatCannotBeWrittenLeavesTheFormerFile() throws IOException {
    Path file = write("kept.parquet", List.of(new Row("first", "1", 1, 1)), 1000);
    byte[] before = Files.readAllBytes(file);
    List<Row> half = List.of(new Row("ab\ud83c", "1", 1, 1));
    assertThatThrownBy(() -> write("kept.parquet", half, 1000))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("column text: the text has half a surrogate pair at character 3");
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
    assertThat(Files.list(directory)).containsExactly(file);
    assertThatThrownBy(
            () -> ParquetWriter.write(file, COLUMNS, Map.of(), out -> out.add("too", "few", 3)))
        .hasMessageContaining("3 values for 4 columns");
  }
}
