package dev.yushan.data;

import static dev.yushan.data.TestData.file;
import static dev.yushan.data.TestData.records;
import static dev.yushan.data.TestData.resource;
import static dev.yushan.data.TestData.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordReaderTest {
  @TempDir Path directory;

  private Path bytes(String name, byte[]... parts) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.write(part);
    }
    return Files.write(directory.resolve(name), all.toByteArray());
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(utf8(text));
    }
    return out.toByteArray();
  }

  @Test
  void aTextFileIsOneDocument() throws IOException {
    Path file = bytes("a.txt", utf8("\uFEFF第一行\r\n\r\nline 3 \uFFFD\n"));
    assertThat(records(file(file))).containsExactly("1: 第一行\r\n\r\nline 3 \uFFFD\n");
    assertThat(records(file(bytes("empty.txt")))).containsExactly("1: EMPTY the text is empty");
    assertThat(records(file(bytes("bad.txt", utf8("玉"), new byte[] {(byte) 0xE7, 'x'}))))
        .containsExactly("1: BAD invalid UTF-8 at byte 4");
  }

  @Test
  void jsonLinesNameTheLineOfABadRecord() throws IOException {
    Path file =
        bytes(
            "a.jsonl",
            utf8("\uFEFF{\"text\":\"first\"}\r\n"),
            utf8("\n"),
            utf8("{\"other\": 1, \"text\": \"\\u7389\\n\"}\n"),
            utf8("{\"other\": 1}\n"),
            utf8("{\"text\": 5}\n"),
            utf8("{\"text\": null}\n"),
            utf8("{\"text\": \"\"}\n"),
            utf8("[\"text\"]\n"),
            utf8("{\"text\": \"x\n"),
            utf8("{\"text\": \"x\"} {}\n"),
            utf8("{\"text\": \"a"),
            new byte[] {(byte) 0xC3, '(', '"', '}', '\n'},
            utf8("{\"text\": \"\\ud800x\"}\n"),
            utf8("   \n{\"text\": \"last, no line feed\"}"));
    assertThat(records(file(file)))
        .satisfiesExactly(
            r -> assertThat(r).isEqualTo("1: first"),
            r -> assertThat(r).isEqualTo("3: 玉\n"),
            r ->
                assertThat(r)
                    .isEqualTo("4: BAD has no field text (key text_column); it has [other]"),
            r -> assertThat(r).isEqualTo("5: BAD field text is no string but a number"),
            r -> assertThat(r).isEqualTo("6: BAD field text is no string but null"),
            r -> assertThat(r).isEqualTo("7: EMPTY the text is empty"),
            r -> assertThat(r).isEqualTo("8: BAD is no JSON object but an array"),
            r -> assertThat(r).startsWith("9: BAD broken JSON: "),
            r -> assertThat(r).startsWith("10: BAD broken JSON: "),
            r -> assertThat(r).isEqualTo("11: BAD invalid UTF-8 at byte 12"),
            r -> assertThat(r).startsWith("12: BAD the text has half a surrogate pair (\\ud800)"),
            r -> assertThat(r).isEqualTo("14: last, no line feed"));
  }

  @Test
  void lineNumbersHoldAcrossBuffersAndLongLines() throws IOException {
    String longText = "長".repeat(100_000);
    Path file = directory.resolve("long.jsonl");
    write(file, "{\"text\":\"" + longText + "\"}", "{", "{\"text\":\"" + longText + "\"}", "{}");
    assertThat(records(file(file)))
        .satisfiesExactly(
            r -> assertThat(r).isEqualTo("1: " + longText),
            r -> assertThat(r).startsWith("2: BAD broken JSON"),
            r -> assertThat(r).isEqualTo("3: " + longText),
            r -> assertThat(r).startsWith("4: BAD has no field"));
  }

  @Test
  void gzipOfSeveralMembersIsRead() throws IOException {
    Path file = bytes("a.jsonl.gz", gzip("{\"text\":\"one\"}\n"), gzip("{\"text\":\"two\"}\n"));
    assertThat(records(file(file))).containsExactly("1: one", "2: two");
  }

  @Test
  void aCutOffGzipFileIsAnError() throws IOException {
    byte[] whole = gzip("{\"text\":\"one\"}\n".repeat(1000));
    Path file = bytes("cut.jsonl.gz", Arrays.copyOf(whole, whole.length - 12));
    assertThatThrownBy(() -> records(file(file)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("cut.jsonl.gz cannot be read after line");
    Path none = bytes("none.jsonl.gz", utf8("no gzip"));
    assertThatThrownBy(() -> records(file(none)))
        .hasMessageContaining("none.jsonl.gz cannot be read: it is named as gzip but is none");
  }

  @Test
  void zstdIsReadByTheLine() throws IOException {
    byte[] one = Zstd.compress(utf8("{\"text\":\"one\"}\n"));
    byte[] two = Zstd.compress(utf8("{\n{\"text\":\"三\"}\n"));
    assertThat(records(file(bytes("a.jsonl.zst", one, two))))
        .satisfiesExactly(
            r -> assertThat(r).isEqualTo("1: one"),
            r -> assertThat(r).startsWith("2: BAD broken JSON"),
            r -> assertThat(r).isEqualTo("3: 三"));
    Path cut = bytes("cut.jsonl.zst", Arrays.copyOf(one, one.length - 2));
    assertThatThrownBy(() -> records(file(cut)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("cut.jsonl.zst cannot be read after line");
    Path none = bytes("none.jsonl.zst", utf8("no zstd"));
    assertThatThrownBy(() -> records(file(none))).hasMessageContaining("none.jsonl.zst");
  }

  @Test
  void jsonArraysAreReadCompressedToo() throws IOException {
    String array = "[{\"text\": \"一\"}, {\"text\": \"二\"}]";
    assertThat(records(file(bytes("a.json.gz", gzip(array))))).containsExactly("1: 一", "2: 二");
    assertThat(records(file(bytes("a.json.zst", Zstd.compress(utf8(array))))))
        .containsExactly("1: 一", "2: 二");
  }

  @Test
  void recordsOfInputIdsAreTakenAsTheyAre() throws IOException {
    Path file =
        write(
            directory.resolve("ids.jsonl"),
            "{\"input_ids\": [1, 2, 3], \"text\": \"unused\"}",
            "{\"input_ids\": [1, 2], \"labels\": [-100, 2]}",
            "{\"input_ids\": [1, 2], \"labels\": [2]}",
            "{\"input_ids\": []}",
            "{\"input_ids\": [1, \"2\"]}",
            "{\"input_ids\": [1.5]}",
            "{\"input_ids\": [99999999999]}",
            "{\"input_ids\": 7}",
            "{\"input_ids\": [1], \"labels\": null}");
    assertThat(records(file(file)))
        .containsExactly(
            "1: [1, 2, 3]",
            "2: [1, 2][-100, 2]",
            "3: BAD has 2 input_ids but 1 labels",
            "4: EMPTY input_ids is empty",
            "5: BAD input_ids[1] is no token id but \"2\"",
            "6: BAD input_ids[0] is no token id but 1.5",
            "7: BAD input_ids[0] is no token id but 99999999999",
            "8: BAD field input_ids is no array but a number",
            "9: BAD field labels is no array but null");
  }

  @Test
  void aJsonArrayIsReadElementByElement() throws IOException {
    Path file = bytes("a.json", utf8("\uFEFF\n [{\"text\": \"一\"},\n {\"x\": [1, {}]}, 3]\n"));
    assertThat(records(file(file)))
        .containsExactly(
            "1: 一",
            "2: BAD has no field text (key text_column); it has [x]",
            "3: BAD is no JSON object but a number");
    assertThat(records(file(bytes("none.json", utf8("[]"))))).isEmpty();
  }

  @Test
  void jsonLinesUnderTheNameJsonAreReadToo() throws IOException {
    Path file = bytes("a.json", utf8("{\"text\": \"一\"}\n{\"text\": \"二\"}\n"));
    assertThat(records(file(file))).containsExactly("1: 一", "2: 二");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[{\"text\": \"a\"}, {\"text\": ",
        "[{\"text\": \"a\"}, oops]",
        "[{\"text\": \"a\"}",
        "[{\"text\": \"a\"}] trailing"
      })
  void aBrokenJsonArrayIsAnError(String json) throws IOException {
    Path file = bytes("broken.json", utf8(json));
    assertThatThrownBy(() -> records(file(file)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("broken.json cannot be read after record")
        .hasMessageContaining("write it as .jsonl");
  }

  @Test
  void invalidUtf8InAJsonArrayIsAnError() throws IOException {
    Path file = bytes("bad.json", utf8("[{\"text\": \""), new byte[] {(byte) 0xFF}, utf8("\"}]"));
    assertThatThrownBy(() -> records(file(file))).hasMessageContaining("invalid UTF-8");
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "snappy", "zstd", "gzip"})
  void parquetTextOfEveryCodec(String codec) {
    assertThat(records(file(resource("text-" + codec + ".parquet"))))
        .hasSize(200)
        .startsWith(
            "1: 玉山是台灣最高的山。", "2: a second row, é ß", "3: EMPTY the text is empty", "4: third 🏔️")
        .endsWith("200: 第199列");
  }

  @Test
  void parquetRowsThatAreNullOrNoUtf8AreBad() {
    Path nulls = resource("null-text.parquet");
    assertThat(records(new SourceFile(nulls, Format.PARQUET, TextColumns.of("content"))))
        .containsExactly("1: a", "2: BAD column content is null", "3: c");
    assertThat(records(file(resource("binary-text.parquet"))))
        .containsExactly("1: good", "2: BAD invalid UTF-8 at byte 2", "3: good again");
  }

  @Test
  void parquetListsOfIds() {
    assertThat(records(file(resource("ids-int32.parquet"))))
        .containsExactly(
            "1: [1, 2, 3]",
            "2: [4, 5]",
            "3: EMPTY input_ids is empty",
            "4: BAD column input_ids is null",
            "5: BAD input_ids[1] is null",
            "6: [7]");
    assertThat(records(file(resource("ids-int64-labels.parquet"))))
        .containsExactly(
            "1: [1, 2, 3][-100, 2, 3]", "2: [4, 5, 2147483647][4, 5, 6]", "3: [6, 7][-100, 7]");
  }

  @Test
  void parquetColumnsThatDoNotFitAreErrors() {
    assertThatThrownBy(() -> records(file(resource("null-text.parquet"))))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("has no column text (key text_column); it has [content, n]");
    SourceFile number =
        new SourceFile(resource("null-text.parquet"), Format.PARQUET, TextColumns.of("n"));
    assertThatThrownBy(() -> records(number)).hasMessageContaining("column n is no string column");
    assertThatThrownBy(() -> records(file(resource("ids-string.parquet"))))
        .hasMessageContaining("column input_ids is no list of integers");
  }

  @Test
  void aCutOffParquetFileIsAnError() throws IOException {
    byte[] whole = Files.readAllBytes(resource("text-zstd.parquet"));
    Path cut = bytes("cut.parquet", Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> records(file(cut)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("cut.parquet");
    byte[] damaged = whole.clone();
    Arrays.fill(damaged, 40, 400, (byte) 0x5A);
    Path wrong = bytes("damaged.parquet", damaged);
    assertThatThrownBy(() -> records(file(wrong)))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("damaged.parquet");
  }
}
