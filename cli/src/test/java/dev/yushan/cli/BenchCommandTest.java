package dev.yushan.cli;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Kernels;
import dev.yushan.golden.Golden;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `yushan bench` on the shape of the tiny model: that every number is there, not what it is.
class BenchCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path MODEL = Golden.path("tiny-llama-a");

  @TempDir private Path directory;

  /// What a command wrote to `--json`; the table has a line for each result.
  private JsonNode measured(String command, Object... options) throws IOException {
    Path file = directory.resolve("bench.json");
    Cli run = Cli.run(all(command, file, options));
    assertThat(run.exit()).as(run.err()).isZero();
    JsonNode json = JSON.readTree(file.toFile());
    assertThat(json.path("bench").asText()).isEqualTo(command);
    assertThat(json.at("/machine/processors").asInt()).isPositive();
    assertThat(json.path("java").asText()).isEqualTo(Runtime.version().toString());
    assertThat(json.path("repeat").asInt()).isEqualTo(2);
    assertThat(json.path("warm_up_seconds").asDouble()).isZero();
    assertThat(json.path("java_options"))
        .extracting(JsonNode::asText)
        .isNotEmpty()
        .allMatch(option -> option.startsWith("-X"));
    assertThat(json.path("results")).isNotEmpty();
    for (JsonNode result : json.path("results")) {
      assertThat(result.path("values")).hasSize(2);
      assertThat(result.path("min").asDouble())
          .isPositive()
          .isLessThanOrEqualTo(result.path("median").asDouble());
      assertThat(result.path("max").asDouble())
          .isGreaterThanOrEqualTo(result.path("median").asDouble());
      assertThat(run.out()).contains(result.path("unit").asText());
    }
    String table = run.out().substring(run.out().indexOf("\n\n") + 2);
    assertThat(table.lines()).hasSize(json.path("results").size() + 1);
    return json;
  }

  private static Object[] all(String command, Path file, Object... options) {
    return Stream.concat(
            Stream.of("bench", command, "--repeat", 2, "--warm-up", 0, "--json", file),
            Arrays.stream(options))
        .toArray();
  }

  private static ObjectNode config() throws IOException {
    return (ObjectNode) JSON.readTree(MODEL.resolve("config.json").toFile());
  }

  private static List<String> column(JsonNode json, String name) {
    return json.path("results").findValuesAsText(name);
  }

  @Test
  void aLibraryWithoutSgemmIsRefused() throws IOException {
    Path file = Files.writeString(directory.resolve("libnone.so"), "no library");
    Cli run = Cli.run("bench", "kernels", "--model", MODEL, "--cblas", file);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("--cblas " + file).contains("libopenblas.so.0");
  }

  @Test
  void workOfOtherProgramsIsTold() throws Exception {
    Process other = new ProcessBuilder("sh", "-c", "while :; do :; done").start();
    try {
      Cli run =
          Cli.run(
              all("prefill", directory.resolve("bench.json"), "--model", MODEL, "--tokens", 16));
      assertThat(run.exit()).as(run.err()).isZero();
      assertThat(run.out()).containsPattern("not alone: other programs kept \\d\\.\\d processors");
      JsonNode json = JSON.readTree(directory.resolve("bench.json").toFile());
      assertThat(json.at("/machine/others_busy_processors").asDouble()).isGreaterThan(0.1);
    } finally {
      other.destroyForcibly().waitFor();
    }
  }

  @Test
  void decodeGoesThroughTypesAndStreams() throws IOException {
    JsonNode json =
        measured(
            "decode",
            "--model",
            MODEL,
            "--backend",
            "cpu",
            "--threads",
            2,
            "--weights",
            "f32,bf16",
            "--streams",
            "1,3",
            "--tokens",
            4,
            "--context",
            20);
    assertThat(json.path("threads").asInt()).isEqualTo(2);
    assertThat(json.at("/backend/name").asText()).isEqualTo("cpu");
    assertThat(json.at("/shape/parameters").asLong()).isEqualTo(171_456);
    assertThat(column(json, "weights")).containsExactly("f32", "f32", "bf16", "bf16");
    assertThat(column(json, "streams")).containsExactly("1", "3", "1", "3");
    double flops = json.at("/limits/flops_per_second").asDouble();
    double reads = json.at("/limits/read_bytes_per_second").asDouble();
    assertThat(flops).isPositive();
    assertThat(reads).isPositive();
    JsonNode first = json.path("results").get(0);
    assertThat(first.path("flops_share").asDouble())
        .isEqualTo(first.path("flops_per_second").asDouble() / flops);
    // all weights are read for each token, and at position 22.5 on average keys and values
    double bytes = 4 * (171_456 + 22.5 * 2 * 3 * 32);
    assertThat(first.path("read_bytes_per_second").asDouble())
        .isEqualTo(first.path("median").asDouble() * bytes);
  }

  @Test
  void prefillReadsLongPromptsInParts() throws IOException {
    Path file = directory.resolve("config.json");
    JSON.writeValue(file.toFile(), config().put("max_position_embeddings", 600));
    JsonNode json =
        measured(
            "prefill", "--model", file, "--backend", "cpu", "--weights", "f16", "--tokens", 600);
    assertThat(column(json, "unit")).containsExactly("tokens/s");
    assertThat(column(json, "tokens")).containsExactly("600");
  }

  @Test
  void aTrainingStepCountsItsOperations() throws IOException {
    JsonNode json =
        measured(
            "train",
            "--model",
            MODEL,
            "--backend",
            "reference",
            "--batch",
            2,
            "--length",
            8,
            "--checkpointing");
    JsonNode step = json.path("results").get(0);
    assertThat(step.path("batch").asInt()).isEqualTo(2);
    assertThat(step.path("keep").asText()).isEqualTo("inputs");
    // six for each weight of a product, the tied head included and norms left out, and attention
    double flops = 6 * (171_456 - 7 * 64) + 3 * 3 * 4 * 64 * 4.5;
    assertThat(step.path("flops_per_second").asDouble())
        .isEqualTo(step.path("median").asDouble() * flops);
    assertThat(json.has("limits")).isFalse();
  }

  /// The shares are of one repetition, so they make up the whole of it.
  @Test
  void aProfileSaysWhatEachOpTakes() throws IOException {
    Path file = directory.resolve("profile.json");
    Object[] step = {
      "--model", MODEL, "--backend", "cpu", "--batch", 2, "--length", 8, "--profile"
    };
    Cli run = Cli.run(all("train", file, step));
    assertThat(run.exit()).as(run.err()).isZero();
    JsonNode profile = JSON.readTree(file.toFile()).path("profile");
    double all = 0;
    for (JsonNode op : profile) {
      assertThat(op.path("of").asText()).isEqualTo("a step");
      assertThat(run.out()).contains(op.path("op").asText());
      all += op.path("share").asDouble();
    }
    assertThat(all).isCloseTo(1, Offset.offset(1e-9));
    for (JsonNode op : profile) {
      if (op.path("op").asText().equals("matmul NT 16 · 512 · 64")) {
        assertThat(op.path("calls").asInt()).isOne();
        assertThat(op.path("flops_per_second").asDouble())
            .isCloseTo(
                2 * 16 * 512 * 64 / op.path("seconds").asDouble(), Percentage.withPercentage(1e-6));
        assertThat(op.path("read_bytes_per_second").asDouble())
            .isCloseTo(
                4 * 512 * 64 / op.path("seconds").asDouble(), Percentage.withPercentage(1e-6));
      }
    }
    // tied head, 16 tokens: logits, and the gradients of what made them
    assertThat(profile.findValuesAsText("op"))
        .contains("attentionBackward", "adamW", "between ops")
        .contains("matmul NT 16 · 512 · 64", "matmul NN 16 · 64 · 512", "matmul TN 512 · 64 · 16");
    assertThat(profile.findValuesAsText("op").getLast()).isEqualTo("between ops");
    assertThat(run.out()).containsPattern("a step +in all +\\S+ +100\\.0 %");
  }

  /// 600 tokens are read as 512 and 88: the second part counts as what it is.
  @Test
  void aProfileCountsLiveRows() throws IOException {
    Path config = directory.resolve("config.json");
    JSON.writeValue(config.toFile(), config().put("max_position_embeddings", 600));
    Path file = directory.resolve("profile.json");
    Object[] prefill = {
      "--model", config, "--backend", "cpu", "--weights", "f32", "--tokens", 600, "--profile"
    };
    Cli run = Cli.run(all("prefill", file, prefill));
    assertThat(run.exit()).as(run.err()).isZero();
    JsonNode profile = JSON.readTree(file.toFile()).path("profile");
    assertThat(profile.findValuesAsText("op"))
        .anyMatch(op -> op.startsWith("matmul NT 512 · "))
        .anyMatch(op -> op.startsWith("matmul NT 88 · "));
  }

  @Test
  void aChunkOfLogitsIsWholeBlocks() {
    Cli run = Cli.run("bench", "train", "--model", MODEL, "--logits-chunk", 300);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("--logits-chunk 300: must be a positive multiple of 256");
  }

  @Test
  void kernelsHasEveryOp() throws IOException {
    JsonNode json =
        measured(
            "kernels",
            "--model",
            MODEL,
            "--backend",
            "reference",
            "--tokens",
            8,
            "--weights",
            "f32,bf16");
    assertThat(column(json, "op").stream().map(op -> op.replaceFirst(" .*", "")).collect(toSet()))
        .isEqualTo(Arrays.stream(Kernels.class.getMethods()).map(Method::getName).collect(toSet()));
    assertThat(column(json, "op")).contains("matmul NN", "matmul NT", "matmul TN", "matmul TT");
    JsonNode few =
        measured(
            "kernels",
            "--model",
            MODEL,
            "--backend",
            "reference",
            "--only",
            "add,lerp",
            "--tokens",
            8);
    assertThat(column(few, "op")).containsExactly("add", "lerp");
  }

  @Test
  void aPromptJoinsTheStreamsThatAreServed() throws IOException {
    JsonNode json =
        measured(
            "serve-mix",
            "--model",
            MODEL,
            "--backend",
            "reference",
            "--streams",
            2,
            "--prompt",
            4,
            "--tokens",
            12,
            "--joining",
            40);
    assertThat(column(json, "measure"))
        .contains("generated", "the same beside a long prompt", "first token of the long prompt");
    assertThat(column(json, "weights")).containsOnly("bf16");
  }

  @Test
  void tokenizeTakesTheSampleOrFiles() throws IOException {
    JsonNode sample = measured("tokenize");
    assertThat(column(sample, "unit")).containsExactly("Mtokens/s", "MB/s");
    assertThat(sample.path("results").get(0).path("tokens").asInt()).isGreaterThan(1000);
    Path text = Files.writeString(directory.resolve("text.txt"), "中華民國憲法第一條");
    JsonNode own = measured("tokenize", "--data", text);
    assertThat(column(own, "bytes")).containsOnly("27");
    assertThat(column(sample, "data")).containsOnly("sample");
    assertThat(column(own, "data")).containsOnly(text.toString());
    assertThat(column(own, "tokenizer")).containsOnly("sample");
  }

  @Test
  void aModelThatDoesNotFitIsRefusedBeforehand() throws IOException {
    Path file = directory.resolve("config.json");
    JSON.writeValue(
        file.toFile(), config().put("vocab_size", 100_000_000).put("hidden_size", 4096));
    Cli run = Cli.run("bench", "decode", "--model", file, "--weights", "f32", "--backend", "cpu");
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err())
        .containsPattern("decode of 16 streams with weights in f32 needs 15\\d\\d\\.\\d\\d GiB")
        .contains("a smaller --shape");
    assertThat(run.out()).isEmpty();
  }

  @Test
  void whatIsWrongIsSaidBeforeAnythingIsComputed() {
    assertThat(refused("decode", "--shape", "7b")).contains("choose one of 15m, 110m, 1b, 3b");
    assertThat(refused("decode", "--shape", "1b", "--model", MODEL)).contains("leave one of them");
    assertThat(refused("decode", "--streams", "0")).contains("--streams 0: must be 1 or more");
    assertThat(refused("serve-mix", "--joining", Integer.MAX_VALUE))
        .contains("--joining 2147483647: must be 1048576 or less");
    assertThat(refused("train", "--batch", 1_000_000))
        .contains("a step of 256000000 tokens; at most 4194304 are measured");
    assertThat(refused("train", "--bf16", "--checkpointing"))
        .contains("--checkpointing keeps none; leave one out");
    assertThat(refused("decode", "--weights", "int8")).contains("int8");
    assertThat(refused("train", "--threads", -1)).contains("--threads -1: must be 0 (all) or more");
    assertThat(refused("train", "--length", 1)).contains("--length 1: must be 2 or more");
    assertThat(refused("train", "--repeat", 0)).contains("--repeat 0: must be 1 or more");
    assertThat(refused("train", "--warm-up", 61)).contains("must be from 0 to 60 seconds");
    assertThat(refused("decode", "--streams", ",")).contains("--streams: is empty");
    assertThat(refused("prefill", "--weights", ",")).contains("--weights: is empty");
    assertThat(refused("kernels", "--only", ",")).contains("--only: is empty");
    assertThat(refused("train", "--backend", "none")).contains("no backend is named 'none'");
    assertThat(refused("train", "--device", "foo")).contains("has no device 'foo'");
    assertThat(refused("train", "--threads", 100_000)).contains("threads");
    assertThat(refused("kernels", "--only", "fused")).contains("no such op", "attentionBackward");
    assertThat(refused("prefill", "--model", MODEL, "--tokens", 513))
        .contains("max_position_embeddings = 512");
    Cli model = Cli.run("bench", "prefill", "--model", directory.resolve("none"));
    assertThat(model.exit()).isEqualTo(1);
    assertThat(model.err()).contains("none does not exist; name a model directory");
    assertThat(Cli.run("bench").err()).contains("say what to measure");
    Cli json = Cli.run("bench", "tokenize", "--json", directory.resolve("none/file.json"));
    assertThat(json.exit()).isEqualTo(2);
    assertThat(json.err()).contains("--json: ", "cannot be written");
    Cli data = Cli.run("bench", "tokenize", "--data", "none.jsonl");
    assertThat(data.exit()).isEqualTo(1);
    assertThat(data.err()).contains("--data: none.jsonl is neither a file").doesNotContain("key");
  }

  private static String refused(Object... options) {
    Object[] all = Stream.concat(Stream.of("bench"), Arrays.stream(options)).toArray();
    Cli run = Cli.run(all);
    assertThat(run.exit()).as(Arrays.toString(options)).isEqualTo(2);
    return run.err();
  }
}
