package dev.yushan.data;

import static dev.yushan.data.TestData.records;
import static dev.yushan.data.TestData.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The text of a record out of several columns, and its id.
class TextColumnsTest {
  private static final String TEMPLATE = "{title}（{year}）\n{body?}";

  @TempDir Path directory;

  private static List<String> read(Path file, String template) {
    return records(new SourceFile(file, Format.of(file).orElseThrow(), TextColumns.of(template)));
  }

  private static List<DataRecord.Text> readWithIds(Path file, String column, String id) {
    SourceConfig config =
        new SourceConfig(
            List.of(file.toString()),
            file.getParent(),
            column,
            Optional.of(id),
            OnBadRecord.FAIL,
            Optional.empty());
    try (Records records = Records.open(config)) {
      Iterable<DataRecord> all = () -> records;
      return StreamSupport.stream(all.spliterator(), false)
          .map(DataRecord.Text.class::cast)
          .toList();
    }
  }

  @Test
  void aTemplateOverFieldsOfJson() throws IOException {
    String[] lines = {
      "{\"title\": \"玉山\", \"year\": 2024, \"body\": \"高\"}",
      "{\"title\": \"玉山\", \"year\": 2024}",
      "{\"title\": \"玉山\", \"year\": \"1\", \"body\": null}",
      "{\"title\": null, \"year\": 1, \"body\": \"x\"}",
      "{\"title\": \"t\", \"body\": \"x\"}",
      "{\"title\": \"t\", \"year\": 1.5}",
      "{\"title\": \"t\", \"year\": 1, \"body\": [1]}",
      "{\"title\": \"\", \"year\": \"\"}"
    };
    String[] read = {
      "1: 玉山（2024）\n高",
      "2: 玉山（2024）\n",
      "3: 玉山（1）\n",
      "4: BAD field title is no string or whole number but null",
      "5: BAD has no field year (key text_column); it has [title, body]",
      "6: BAD field year is no string or whole number but a number",
      "7: BAD field body is no string or whole number but an array",
      "8: EMPTY the text is empty"
    };
    assertThat(read(write(directory.resolve("a.jsonl"), lines), TEMPLATE)).containsExactly(read);
    Path array =
        Files.writeString(directory.resolve("a.json"), "[" + String.join(",", lines) + "]");
    assertThat(read(array, TEMPLATE)).containsExactly(read);
  }

  @Test
  void aTemplateOverColumnsOfParquet() {
    Path file = directory.resolve("a.parquet");
    ParquetWriter.write(
        file,
        List.of(
            ParquetColumn.string("title"),
            ParquetColumn.int32("year"),
            ParquetColumn.int64("n"),
            ParquetColumn.string("body")),
        Map.of(),
        out -> {
          out.add("玉山", -3, Long.MAX_VALUE, "高");
          out.add("", 7, 0L, "");
        });
    assertThat(read(file, "{body}{title} {year} {n} {body?}{{}}"))
        .containsExactly("1: 高玉山 -3 9223372036854775807 高{}", "2:  7 0 {}");
    assertThatThrownBy(() -> read(file, "{titel?} {body}"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(
            "has no column titel (key text_column); it has [title, year, n, body]");
    assertThatThrownBy(() -> read(file, "year"))
        .hasMessageContaining("column year is no string column; name another (key text_column)");
    assertThat(readWithIds(file, "body", "n"))
        .extracting(DataRecord.Text::text, DataRecord.Text::id)
        .containsExactly(
            tuple("高", Optional.of("9223372036854775807")), tuple("", Optional.empty()));
  }

  @Test
  void nullsOfParquet() {
    Path nulls = TestData.resource("null-text.parquet");
    assertThat(read(nulls, "[{content?}]"))
        .containsExactly("1: [a]", "2: EMPTY the text is empty", "3: [c]");
    assertThat(read(nulls, "[{content}]"))
        .containsExactly("1: [a]", "2: BAD column content is null", "3: [c]");
  }

  @Test
  void theIdComesWithTheText() throws IOException {
    Path file =
        write(
            directory.resolve("ids.jsonl"),
            "{\"text\": \"a\", \"id\": \"第1條\"}",
            "{\"text\": \"b\", \"id\": 17}");
    assertThat(readWithIds(file, "{text}!", "id"))
        .containsExactly(
            new DataRecord.Text(file + " line 1", "a!", Optional.of("第1條")),
            new DataRecord.Text(file + " line 2", "b!", Optional.of("17")));
    write(file, "{\"text\": \"a\", \"id\": null}");
    assertThatThrownBy(() -> readWithIds(file, "text", "id"))
        .hasMessageContaining("line 1: field id is no string or whole number but null");
    write(file, "{\"text\": \"a\"}");
    assertThatThrownBy(() -> readWithIds(file, "text", "id"))
        .hasMessageContaining("line 1: has no field id (key id_column); it has [text]");
    write(file, "{\"text\": \"a\", \"id\": \"\\ud800\"}");
    assertThatThrownBy(() -> readWithIds(file, "text", "id"))
        .hasMessageContaining("line 1: the id has half a surrogate pair");
    assertThatThrownBy(() -> readWithIds(file, "text", ""))
        .hasMessage("id_column: is empty; name the column that holds the ids");
  }

  @Test
  void trainingTakesATemplateOfAnyFormat() throws IOException {
    Path csv = Files.writeString(directory.resolve("a.csv"), "a,b\n玉,山\n\"1,\n\",2\n");
    Path lines =
        write(
            directory.resolve("a.jsonl"),
            "{\"a\": \"玉\", \"b\": \"山\"}",
            "{\"a\": \"1,\\n\", \"b\": \"2\"}");
    SourceConfig config =
        new SourceConfig(
            List.of(csv.toString(), lines.toString()), directory, "{a}-{b}", OnBadRecord.FAIL);
    try (TokenizedDataset data =
        TokenizedDataset.open(
            Sources.files(Sources.resolve(config)),
            OnBadRecord.FAIL,
            TokenizeConfig.of(100),
            new ByteTokenizer().corpus(),
            CacheConfig.of(directory.resolve("cache"), 1))) {
      assertThat(data.documents()).isEqualTo(4);
      for (int d = 0; d < 4; d++) {
        int[] ids = new int[data.length(d)];
        data.copy(d, 0, ids.length, ids, new int[ids.length], 0);
        assertThat(ids).isEqualTo(TestData.document(d % 2 == 0 ? "玉-山" : "1,\n-2"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a{b     | text_column: a{b has a single { at character 2; write a column as {name}
          a}b     | text_column: a}b has a single } at character 2
          {{a}}   | text_column: {{a}} names no column
          x{}     | text_column: x{} has {}, which is no column
          {?}     | text_column: {?} has {?}, which is no column
          {a{b}   | text_column: {a{b} has {a{b}, which is no column
          ''      | text_column: is empty; name the column that holds the text
          """)
  void whatIsNoTemplateIsRefused(String template, String message) {
    assertThatThrownBy(() -> new SourceConfig(List.of("a"), directory, template, OnBadRecord.FAIL))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(message);
  }
}
