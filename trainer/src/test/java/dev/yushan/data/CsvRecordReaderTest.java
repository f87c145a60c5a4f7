package dev.yushan.data;

import static dev.yushan.data.TestData.file;
import static dev.yushan.data.TestData.records;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvRecordReaderTest {
  @TempDir Path directory;

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(bytes);
    }
    return out.toByteArray();
  }

  private SourceFile csv(String content, String template) throws IOException {
    Path path = Files.write(directory.resolve("a.csv"), utf8(content));
    return new SourceFile(path, Format.CSV, TextColumns.of(template));
  }

  private List<String> read(String content) throws IOException {
    return records(csv(content, "text"));
  }

  @Test
  void rowsAreNamedByTheLineTheyBeginIn() throws IOException {
    assertThat(
            read(
                "\uFEFF\"id\",text\r\n"
                    + "1,\"two\r\nlines, and a \"\"quote\"\"\"\r\n"
                    + "\r\n"
                    + "2,玉山🏔\n"
                    + "3,too,many\n"
                    + "4\n"
                    + "5,\n"
                    + "6,\"\"\n"
                    + "7, a \"b\" "))
        .containsExactly(
            "2: two\r\nlines, and a \"quote\"",
            "5: 玉山🏔",
            "6: BAD has 3 fields, the header has 2",
            "7: BAD has 1 fields, the header has 2",
            "8: EMPTY the text is empty",
            "9: EMPTY the text is empty",
            "10:  a \"b\" ");
  }

  @Test
  void ofARowThatCannotBeUsedIsKeptWhatIsThere() throws IOException {
    Path path = Files.write(directory.resolve("a.csv"), utf8("title,body\n山,水,火\n\u96EA,\uFFFD\n"));
    SourceFile file = new SourceFile(path, Format.CSV, TextColumns.of("{title}\n{body}"));
    byte[] bytes = Files.readAllBytes(path);
    bytes[bytes.length - 2] = 'x'; // the last of three bytes of a character
    Files.write(path, bytes);
    List<RecordContent> read = new ArrayList<>();
    try (RecordReader reader = RecordReader.open(file)) {
      reader.next().ifPresent(record -> read.add(record.content().get()));
      reader.next().ifPresent(record -> read.add(record.content().get()));
    }
    assertThat(read)
        .containsExactly(
            new RecordContent.Bad("has 3 fields, the header has 2", "山,水,火"),
            new RecordContent.Bad("invalid UTF-8 at byte 1", "雪\n\uFFFDx"));
  }

  @Test
  void aTemplateOverColumns() throws IOException {
    assertThat(records(csv("標題,text,n\n山,高,1\n,,\n", "{標題}：{text} {n}")))
        .containsExactly("2: 山：高 1", "3: EMPTY the text is empty");
    assertThatThrownBy(() -> records(csv("a,b\n1,2\n", "{a} {c?}")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("a.csv has no column c (key text_column); it has [a, b]");
    assertThatThrownBy(() -> records(csv("a,a\n1,2\n", "a")))
        .hasMessageContaining("a.csv has two columns a; rename one of them");
  }

  @Test
  void invalidUtf8SpoilsItsRowAlone() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.write(utf8("text,x\n玉"));
    bytes.write(new byte[] {(byte) 0xE7, ','});
    bytes.write(utf8("1\ngood,\uFFFD\n"));
    bytes.write(new byte[] {'o', 'k', ',', (byte) 0xFF, '\n'});
    Path path = Files.write(directory.resolve("a.csv"), bytes.toByteArray());
    assertThat(records(file(path)))
        .containsExactly("2: BAD invalid UTF-8 at byte 4", "3: good", "4: ok");
  }

  @ParameterizedTest
  @ValueSource(strings = {"text\na\n\"b\nc\n", "text\na\n\"b\nc", "text\na\n\"b\"\"\n"})
  void aQuoteWithoutAnEndIsAnError(String content) {
    assertThatThrownBy(() -> read(content))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("a.csv cannot be read: the row that begins in line 3: no end;");
  }

  @Test
  void textBehindAQuoteIsAnError() {
    assertThatThrownBy(() -> read("text\na\n\"b\" c\n"))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("line 3: Unexpected character after closing quote");
  }

  @Test
  void withoutAHeaderThereIsNothingToRead() throws IOException {
    assertThatThrownBy(() -> read("")).hasMessageContaining("a.csv has no line of column names");
    assertThat(read("text")).isEmpty();
    assertThat(read("text\n")).isEmpty();
    Path big5 = Files.write(directory.resolve("b.csv"), new byte[] {(byte) 0xA4, 0x40, '\n'});
    assertThatThrownBy(() -> records(file(big5)))
        .hasMessageContaining("b.csv: the column names are no UTF-8");
  }

  /// Of any text, the quoted form is read as that text.
  @Test
  void randomTextsComeBackFromEachCompression() throws IOException {
    long seed = new Random().nextLong();
    System.out.println("seed of random rows: " + seed);
    Random random = new Random(seed);
    StringBuilder csv = new StringBuilder("n,text\n");
    List<String> texts = TestData.texts(random, 2000, 300);
    texts.add("長".repeat(7_000_000));
    for (String text : texts) {
      csv.append("1,\"").append(text.replace("\"", "\"\"")).append("\"\n");
    }
    byte[] plain = utf8(csv.toString());
    for (Path path :
        List.of(
            Files.write(directory.resolve("r.csv"), plain),
            Files.write(directory.resolve("r.csv.gz"), gzip(plain)),
            Files.write(directory.resolve("r.csv.zst"), Zstd.compress(plain)))) {
      List<String> read = new ArrayList<>();
      records(file(path)).forEach(r -> read.add(r.substring(r.indexOf(": ") + 2)));
      assertThat(read.equals(texts)).as("%s", path).isTrue();
    }
  }

  @Test
  void cutOffFilesAreErrors() throws IOException {
    byte[] plain = utf8("text\n" + "0123456789abcdef\n".repeat(1000));
    byte[] zstd = Zstd.compress(plain);
    byte[] gzip = gzip(plain);
    for (Path path :
        List.of(
            Files.write(directory.resolve("c.csv.zst"), Arrays.copyOf(zstd, zstd.length - 5)),
            Files.write(directory.resolve("c.csv.gz"), Arrays.copyOf(gzip, gzip.length - 12)),
            Files.write(directory.resolve("d.csv.zst"), plain),
            Files.write(directory.resolve("d.csv.gz"), plain))) {
      assertThatThrownBy(() -> records(file(path)))
          .isInstanceOf(DataException.class)
          .hasMessageContaining(path + " cannot be read");
    }
  }
}
