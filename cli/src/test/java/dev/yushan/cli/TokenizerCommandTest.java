package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> TEXTS =
      List.of("玉山是臺灣最高的山。", "玉山有雪，<|end_of_text|> 玉山有樹。\n\tx🏔", "");

  @TempDir private Path directory;
  private Path data;
  private Path made;
  private Cli training;

  @BeforeEach
  void train() throws IOException {
    data = directory.resolve("data.jsonl");
    StringBuilder lines = new StringBuilder();
    for (String text : TEXTS) {
      lines.append(JSON.createObjectNode().put("content", text)).append('\n');
    }
    Files.writeString(data, lines);
    made = directory.resolve("made");
    training =
        Cli.run(
            "tokenizer",
            "train",
            "--data",
            data,
            "--text-column",
            "content",
            "--vocab-size",
            262,
            "--output",
            made);
  }

  private static int[] ids(String line) throws IOException {
    return JSON.treeToValue(JSON.readTree(line).get("ids"), int[].class);
  }

  @Test
  void nothingToLearnFromIsAnError() throws IOException {
    Path empty = Files.createFile(directory.resolve("empty.txt"));
    Path none = directory.resolve("none");
    Cli run = Cli.run("tokenizer", "train", "--data", empty, "--vocab-size", 300, "--output", none);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("--data: holds no text to learn from").hasLineCount(1);
    assertThat(none).doesNotExist();
  }

  @Test
  void standardInputIsReadToo() throws IOException {
    Cli piped =
        Cli.runWith(
            Files.readString(data),
            "tokenizer",
            "encode",
            "--tokenizer",
            made,
            "--text-column",
            "content",
            "--data",
            "-");
    Cli named =
        Cli.run(
            "tokenizer", "encode", "--tokenizer", made, "--text-column", "content", "--data", data);
    assertThat(piped.err()).isEmpty();
    assertThat(piped.out()).isEqualTo(named.out()).hasLineCount(TEXTS.size());

    Cli broken =
        Cli.runWith("{\"text\": 1}\n", "tokenizer", "encode", "--tokenizer", made, "--data", "-");
    assertThat(broken.exit()).isEqualTo(1);
    assertThat(broken.err()).contains("standard input line 1: ");
  }

  @Test
  void aBrokenFileIsOneLine() throws IOException {
    Cli ids =
        Cli.runWith("{\"ids\": [1,\n", "tokenizer", "decode", "--tokenizer", made, "--data", "-");
    assertThat(ids.err()).contains("- line 1: broken JSON").doesNotContain("REDACTED");
    assertThat(ids.err()).hasLineCount(1);
    Files.writeString(made.resolve("tokenizer.json"), "{\n\"model\": {");
    Cli file = Cli.run("tokenizer", "encode", "--tokenizer", made, "--data", data);
    assertThat(file.err()).contains("is not valid JSON: line 2, column").doesNotContain("REDACTED");
    assertThat(file.err()).hasLineCount(1);
  }

  @Test
  void trainsWhatCanBeLoaded() {
    assertThat(training.exit()).as(training.err()).isZero();
    assertThat(training.out()).contains("made: 262 ids");
    assertThat(Tokenizers.load(made).vocabSize()).isEqualTo(262);
    Cli again =
        Cli.run("tokenizer", "train", "--data", data, "--vocab-size", 262, "--output", made);
    assertThat(again.exit()).isEqualTo(2);
    assertThat(again.err()).contains("holds a tokenizer", "--force");
    Cli more =
        Cli.run(
            "tokenizer",
            "train",
            "--data",
            data,
            "--text-column",
            "content",
            "--vocab-size",
            9999,
            "--output",
            made,
            "--force");
    assertThat(more.out()).contains("fewer than 9,999");
  }

  @Test
  void encodesWithBosAndDecodesBack() throws IOException {
    Cli encoded =
        Cli.run(
            "tokenizer", "encode", "--tokenizer", made, "--data", data, "--text-column", "content");
    assertThat(encoded.exit()).as(encoded.err()).isZero();
    List<String> lines = encoded.out().lines().toList();
    Tokenizer tokenizer = Tokenizers.load(made);
    assertThat(lines).hasSize(3);
    for (int i = 0; i < 3; i++) {
      assertThat(ids(lines.get(i)))
          .startsWith(tokenizer.bosId().orElseThrow())
          .isEqualTo(tokenizer.encodeWithTemplate(TEXTS.get(i), Specials.AS_TEXT));
    }
    Path ids = Files.writeString(directory.resolve("ids.jsonl"), encoded.out());
    Cli decoded = Cli.run("tokenizer", "decode", "--tokenizer", made, "--data", ids);
    List<JsonNode> texts =
        decoded
            .out()
            .lines()
            .map(TokenizerCommandTest::tree)
            .map(line -> line.get("text"))
            .toList();
    assertThat(texts).extracting(JsonNode::textValue).containsExactlyElementsOf(TEXTS);
    Cli piped =
        Cli.runWith(encoded.out(), "tokenizer", "decode", "--tokenizer", made, "--data", "-");
    assertThat(piped.out()).isEqualTo(decoded.out());
    Cli kept =
        Cli.run("tokenizer", "decode", "--tokenizer", made, "--data", ids, "--keep-special-tokens");
    assertThat(kept.out()).contains("<|begin_of_text|>玉山");
  }

  private static JsonNode tree(String line) {
    try {
      return JSON.readTree(line);
    } catch (IOException e) {
      throw new AssertionError(line, e);
    }
  }

  @Test
  void specialTokensInATextAreParsedOnDemand() throws IOException {
    Cli run =
        Cli.run(
            "tokenizer",
            "encode",
            "--tokenizer",
            made,
            "--data",
            data,
            "--text-column",
            "content",
            "--parse-special-tokens");
    assertThat(ids(run.out().lines().toList().get(1)))
        .contains(Tokenizers.load(made).eosId().orElseThrow());
  }

  @Test
  void errorsNameThePlace() throws IOException {
    assertThat(Cli.run("tokenizer").exit()).isEqualTo(2);
    Cli noField = Cli.run("tokenizer", "encode", "--tokenizer", made, "--data", data);
    assertThat(noField.err()).contains("data.jsonl line 1", "no field text");
    Cli noTokenizer = Cli.run("tokenizer", "encode", "--tokenizer", directory, "--data", data);
    assertThat(noTokenizer.err()).contains("there is no", "tokenizer.json");
    for (String line :
        List.of("{\"ids\": [1, 99999]}", "{\"ids\": \"x\"}", "{\"id\": []}", "{\"ids\"")) {
      Path bad = Files.writeString(directory.resolve("bad.jsonl"), "{\"ids\": [5]}\n" + line);
      Cli run = Cli.run("tokenizer", "decode", "--tokenizer", made, "--data", bad);
      assertThat(run.exit()).isEqualTo(1);
      assertThat(run.err()).contains("bad.jsonl line 2");
    }
  }
}
