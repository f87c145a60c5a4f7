package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.golden.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Scores against the losses that PyTorch computed for the same models and ids.
class EvalCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;

  private Path data(ObjectNode... records) throws IOException {
    Path file = directory.resolve("data.jsonl");
    Files.write(file, Arrays.stream(records).map(ObjectNode::toString).toList());
    return file;
  }

  private static ObjectNode ids(int... ids) {
    ObjectNode record = JSON.createObjectNode();
    Arrays.stream(ids).forEach(record.putArray("input_ids")::add);
    return record;
  }

  private static ObjectNode text(String text) {
    return JSON.createObjectNode().put("text", text);
  }

  private static List<JsonNode> lines(String jsonLines) throws IOException {
    try (var values = JSON.readerFor(JsonNode.class).<JsonNode>readValues(jsonLines)) {
      return values.readAll();
    }
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum / values.length;
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "b"})
  void idsScoreAsTheGoldenLosses(String name) throws IOException {
    int[] ids = Golden.ints(name + "_forward.safetensors", "input_ids_long");
    float[] losses = Golden.floats(name + "_forward.safetensors", "nll_long");
    Path data = data(ids(ids), ids(Arrays.copyOf(ids, 10)));
    Cli run =
        Cli.run(
            "eval", "--model", Golden.path("tiny-llama-" + name), "--data", data, "--per-token");
    assertThat(run.exit()).as(run.err()).isZero();

    List<JsonNode> lines = lines(run.out());
    assertThat(lines).hasSize(3);
    JsonNode first = lines.getFirst();
    assertThat(first.get("tokens").intValue()).isEqualTo(200);
    assertThat(first.get("predicted_tokens").intValue()).isEqualTo(199);
    assertThat(first.get("loss").doubleValue()).isCloseTo(mean(losses), within(1e-5));
    assertThat(first.get("perplexity").doubleValue())
        .isCloseTo(Math.exp(first.get("loss").doubleValue()), within(1e-9));
    assertThat(first.has("bits_per_byte")).isFalse();
    assertThat(first.get("logprobs")).hasSize(199);
    for (int i = 0; i < 199; i++) {
      assertThat(-first.get("logprobs").get(i).floatValue()).isCloseTo(losses[i], within(2e-5f));
    }

    JsonNode total = lines.getLast();
    assertThat(total.get("total").booleanValue()).isTrue();
    assertThat(total.get("tokens").intValue()).isEqualTo(210);
    double weighted = (199 * mean(losses) + 9 * mean(Arrays.copyOf(losses, 9))) / (199 + 9);
    assertThat(total.get("loss").doubleValue()).isCloseTo(weighted, within(1e-5));
    assertThat(run.err()).contains("2 records, 210 tokens, 208 of them predicted: loss");
  }

  @Test
  void labelsLeaveTokensOut() throws IOException {
    String file = "a_forward.safetensors";
    int[] ids = Golden.ints(file, "input_ids");
    int[] labels = Golden.ints(file, "labels");
    int half = ids.length / 2;
    ObjectNode[] records = new ObjectNode[2];
    for (int row = 0; row < 2; row++) {
      records[row] = ids(Arrays.copyOfRange(ids, row * half, (row + 1) * half));
      Arrays.stream(labels, row * half, (row + 1) * half)
          .forEach(records[row].putArray("labels")::add);
    }
    Cli run = Cli.run("eval", "--model", Golden.path("tiny-llama-a"), "--data", data(records));
    JsonNode total = lines(run.out()).getLast();
    assertThat(total.get("loss").doubleValue())
        .isCloseTo(Golden.floats(file, "loss")[0], within(2e-5));
    assertThat(total.get("predicted_tokens").intValue()).isLessThan(ids.length - 2);
  }

  @Test
  void textsScoreAsTheirIdsAndNoResultDependsOnTheBatch() throws IOException {
    Path model = SpelledIds.model(directory.resolve("model"));
    // The bytes of plain text have ids that the model lacks, so the text is one of spelled ids.
    Path texts = data(text("<5><77><300><4>"), text("<9>"), text(""), text("<1><2><3>"));
    Path output = directory.resolve("out.jsonl");
    Cli run = Cli.run("eval", "--model", model, "--data", texts, "--output", output);
    assertThat(run.exit()).as(run.err()).isZero();
    assertThat(run.out()).isEmpty();
    String written = Files.readString(output);
    List<JsonNode> lines = lines(written);
    assertThat(lines).hasSize(5);
    JsonNode first = lines.getFirst();
    assertThat(first.get("bits_per_byte").doubleValue())
        .isCloseTo(3 * first.get("loss").doubleValue() / Math.log(2) / 15, within(1e-12));
    assertThat(lines.get(1).get("tokens").intValue()).isEqualTo(1);
    assertThat(lines.get(1).get("loss").isNull()).isTrue();
    assertThat(lines.get(2).get("tokens").intValue()).isZero();
    assertThat(lines.getLast().get("records").intValue()).isEqualTo(4);

    Cli oneByOne = Cli.run("eval", "--model", model, "--data", texts, "--batch-tokens", 1);
    assertThat(oneByOne.out()).isEqualTo(written);
    Cli threads = Cli.run("eval", "--model", model, "--data", texts, "--threads", 1);
    assertThat(threads.out()).isEqualTo(written);
    int processors = Runtime.getRuntime().availableProcessors();
    assertThat(threads.err()).doesNotContain("take turns");
    Cli more = Cli.run("eval", "--model", model, "--data", texts, "--threads", processors + 1);
    assertThat(more.out()).isEqualTo(written);
    assertThat(more.err())
        .contains("%d threads on %d processor(s): they".formatted(processors + 1, processors));
    Path same = data(ids(5, 77, 300, 4));
    JsonNode asIds = lines(Cli.run("eval", "--model", model, "--data", same).out()).getFirst();
    assertThat(asIds.get("loss")).isEqualTo(first.get("loss"));
  }

  @Test
  void longRecordsAreRefusedByNameOrCut() throws IOException {
    Path data = data(ids(1, 2), ids(new int[513]));
    Path model = Golden.path("tiny-llama-a");
    Cli refused = Cli.run("eval", "--model", model, "--data", data);
    assertThat(refused.exit()).isEqualTo(2);
    assertThat(refused.err()).contains("data.jsonl line 2: 513 tokens", "--max-length 512");
    Cli cut = Cli.run("eval", "--model", model, "--data", data, "--max-length", 100);
    assertThat(lines(cut.out()).get(1).get("tokens").intValue()).isEqualTo(100);
  }

  /// The record after the first ones is not read: it would be refused.
  @Test
  void theFirstRecordsMayDo() throws IOException {
    ObjectNode[] records = new ObjectNode[41];
    Arrays.fill(records, ids(1, 2, 3));
    records[40] = ids(1, 512);
    Path data = data(records);
    Path model = Golden.path("tiny-llama-a");
    Cli run = Cli.run("eval", "--model", model, "--data", data, "--max-samples", 40);
    assertThat(run.exit()).as(run.err()).isZero();
    assertThat(lines(run.out())).hasSize(41);
    Cli none = Cli.run("eval", "--model", model, "--data", data, "--max-samples", 0);
    assertThat(none.exit()).isEqualTo(2);
    assertThat(none.err()).contains("--max-samples 0: must be 1 or more");
  }

  @Test
  void whatCannotBeDoneIsSaidBeforeAnythingIsComputed() throws IOException {
    Path model = Golden.path("tiny-llama-a");
    Path data = data(ids(1, 2));
    Cli folder = Cli.run("eval", "--model", model, "--data", data, "--output", directory);
    assertThat(folder.exit()).isEqualTo(2);
    assertThat(folder.err()).contains("--output: " + directory + " is a directory").hasLineCount(1);
    Path nowhere = directory.resolve("none/out.jsonl");
    Cli noFolder = Cli.run("eval", "--model", model, "--data", data, "--output", nowhere);
    assertThat(noFolder.err()).contains("--output: there is no directory").hasLineCount(1);
    assertThat(Cli.run("eval", "--model", model, "--data", data, "--batch-tokens", 0).exit())
        .isEqualTo(2);
    Cli empty = Cli.run("eval", "--model", model, "--data", data());
    assertThat(empty.exit()).isEqualTo(2);
    assertThat(empty.err()).contains("--data: 0 records without anything to predict");
    assertThat(empty.out()).isEmpty();
    Cli absent = Cli.run("eval", "--model", model, "--data", "absent");
    assertThat(absent.err())
        .contains("yushan: --data: absent is neither a file (")
        .doesNotContain("dataset");
    Cli column =
        Cli.run("eval", "--model", model, "--data", data(text("x")), "--text-column", "foo");
    assertThat(column.err()).contains("has no field foo (--text-column)");
    Cli template =
        Cli.run("eval", "--model", model, "--data", data(text("x")), "--text-column", "{foo");
    assertThat(template.err()).contains("yushan: --text-column: {foo has a single {");
  }

  @Test
  void errorsNameTheRecord() throws IOException {
    Path model = Golden.path("tiny-llama-a");
    Cli noTokenizer = Cli.run("eval", "--model", model, "--data", data(text("山")));
    assertThat(noTokenizer.exit()).isEqualTo(2);
    assertThat(noTokenizer.err()).contains("data.jsonl line 1", "--tokenizer", "input_ids");
    Cli outside = Cli.run("eval", "--model", model, "--data", data(ids(1), ids(1, 512)));
    assertThat(outside.err()).contains("data.jsonl line 2: the id 512 is outside");
    Path broken = Files.writeString(directory.resolve("broken.jsonl"), "{\"text\": \n");
    Cli json = Cli.run("eval", "--model", model, "--data", broken);
    assertThat(json.err()).contains("broken.jsonl line 1: broken JSON");
    Cli absent = Cli.run("eval", "--model", model, "--data", "absent.jsonl");
    assertThat(absent.err()).contains("absent.jsonl");
    assertThat(absent.exit()).isEqualTo(1);
  }
}
