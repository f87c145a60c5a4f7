package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.golden.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Completions by the tiny model whose generations are known, with a tokenizer that spells its ids.
class InferCommandTest {
  private static final String FILE = "a_greedy.safetensors";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;
  private Path model;
  private String prompt;
  private String completion;

  @BeforeEach
  void write() throws IOException {
    model = SpelledIds.model(directory.resolve("model"));
    prompt = SpelledIds.spelled(Golden.ints(FILE, "short.prompt"));
    completion = SpelledIds.spelled(Golden.ints(FILE, "short.tokens"));
  }

  private static String first(String spelled, int tokens) {
    return spelled.split("(?<=>)", tokens + 1).length <= tokens
        ? spelled
        : String.join("", Arrays.copyOf(spelled.split("(?<=>)"), tokens));
  }

  private Cli infer(Object... more) {
    return inferWith("", more);
  }

  private Cli inferWith(String input, Object... more) {
    Object[] all = new Object[more.length + 5];
    System.arraycopy(
        new Object[] {"infer", "--model", model, "--backend", "reference"}, 0, all, 0, 5);
    System.arraycopy(more, 0, all, 5, more.length);
    return Cli.runWith(input, all);
  }

  @Test
  void greedyIsTheGoldenCompletion() {
    Cli run = infer("--prompt", prompt, "--max-tokens", 32, "--ignore-eos");
    assertThat(run.err()).contains("greedy: max_tokens 32");
    assertThat(run.exit()).isZero();
    assertThat(run.out()).isEqualTo(completion + "\n");
    assertThat(run.err()).containsPattern("prompt 16 tokens .*completion 32 tokens .*by length");
  }

  @Test
  void thePromptMayComeFromStandardInput() {
    String wanted = first(completion, 4) + "\n";
    assertThat(inferWith(prompt + "\n", "--max-tokens", 4).out()).isEqualTo(wanted);
    assertThat(inferWith(prompt, "--prompt", "-", "--max-tokens", 4).out()).isEqualTo(wanted);
  }

  @Test
  void interactiveCompletesEachLineAndGoesOnAfterAnError() {
    String tooLong = SpelledIds.spelled(new int[40]);
    Cli run =
        inferWith(
            prompt + "\n\n" + tooLong + "\n" + prompt + "\n",
            "--interactive",
            "--max-tokens",
            3,
            "--max-model-len",
            32);
    String wanted = first(completion, 3) + "\n";
    assertThat(run.exit()).isZero();
    assertThat(run.out()).isEqualTo(wanted + wanted);
    assertThat(run.err())
        .contains("yushan: the prompt has 40 tokens, which leaves no room in a context of 32");
  }

  @Test
  void aStopStringEndsTheCompletionBeforeIt() {
    String fifth = completion.split("(?<=>)")[4];
    Cli run = infer("--prompt", prompt, "--stop", fifth, "--stop", "no such text");
    assertThat(run.out()).isEqualTo(first(completion, 4) + "\n");
    assertThat(run.err()).contains("ended by stop");
  }

  @Test
  void samplingFollowsTheSeed() {
    Cli one = infer("--prompt", prompt, "--temperature", 1, "--seed", 5, "--max-tokens", 8);
    Cli same = infer("--prompt", prompt, "--temperature", 1, "--seed", 5, "--max-tokens", 8);
    Cli other = infer("--prompt", prompt, "--temperature", 1, "--seed", 6, "--max-tokens", 8);
    assertThat(one.err()).contains("sampling with seed 5: temperature 1, max_tokens 8");
    assertThat(one.out()).isEqualTo(same.out()).isNotEqualTo(other.out());
    Cli topOne = infer("--prompt", prompt, "--temperature", 1, "--top-k", 1, "--max-tokens", 8);
    assertThat(topOne.out()).isEqualTo(first(completion, 8) + "\n");
  }

  @Test
  void generationConfigHasTheDefaultsAndOptionsWin() throws IOException {
    ObjectNode json = JSON.createObjectNode().put("do_sample", true);
    json.put("temperature", 0.6).put("top_p", 0.9).put("max_new_tokens", 5);
    JSON.writeValue(model.resolve("generation_config.json").toFile(), json);
    Cli run = infer("--prompt", prompt, "--top-p", 0.5);
    assertThat(run.err())
        .contains(
            "sampling with seed 0: temperature 0.6 (generation_config.json), top_p 0.5,"
                + " max_tokens 5 (generation_config.json)");
    Cli greedy = infer("--prompt", prompt, "--temperature", 0);
    assertThat(greedy.out()).isEqualTo(first(completion, 5) + "\n");
  }

  @Test
  void generationConfigMayNameMoreIdsThatEndAText() throws IOException {
    int fifth = Golden.ints(FILE, "short.tokens")[4];
    ObjectNode json = JSON.createObjectNode();
    json.putArray("eos_token_id").add(2).add(fifth);
    JSON.writeValue(model.resolve("generation_config.json").toFile(), json);
    Cli run = infer("--prompt", prompt);
    assertThat(run.out()).isEqualTo(first(completion, 4) + "\n");
    assertThat(run.err()).contains("ended by eos");
  }

  @Test
  void whatIsNeitherADirectoryNorANameIsRefused() {
    Cli noModel = Cli.run("infer", "--model", directory.resolve("none"), "--prompt", "x");
    assertThat(noModel.err()).contains("no such directory");
  }

  @Test
  void aFaultIsBlamedOnTheFileItIsIn() throws IOException {
    Path generation = model.resolve("generation_config.json");
    Files.writeString(generation, "{\"temperature\": -1, \"do_sample\": true}");
    assertThat(infer("--prompt", prompt).err())
        .contains("yushan: " + generation + ": temperature must be 0 (greedy) or more");
    Files.writeString(generation, "{\"eos_token_id\": \"x\"}");
    assertThat(infer("--prompt", prompt).err())
        .contains("yushan: " + generation + ": eos_token_id must be a token id");
    Files.writeString(generation, "{\"eos_token_id\": ");
    assertThat(infer("--prompt", prompt).err())
        .contains("yushan: " + generation + ": no valid JSON: line 1, column 1")
        .doesNotContain("REDACTED");
    Files.delete(generation);
    Path config = model.resolve("config.json");
    ObjectNode json = (ObjectNode) JSON.readTree(config.toFile());
    JSON.writeValue(config.toFile(), json.put("hidden_size", "wide"));
    assertThat(infer("--prompt", prompt).err())
        .contains("yushan: " + config + ": hidden_size must be a whole number above 0");
  }

  @Test
  void aRunWithCheckpointsAloneNamesThem() throws IOException {
    Path run = directory.resolve("run");
    Files.createDirectories(run.resolve("checkpoint-90"));
    Files.createDirectories(run.resolve("checkpoint-100"));
    Cli refused = Cli.run("infer", "--model", run, "--prompt", "x");
    assertThat(refused.exit()).isEqualTo(2);
    assertThat(refused.err())
        .contains("(checkpoint-90, checkpoint-100)", "take one: " + run.resolve("checkpoint-100"));
  }

  @Test
  void noTokensHaveNoSpeed() {
    Cli run = infer("--prompt", prompt, "--max-tokens", 0);
    assertThat(run.exit()).isZero();
    assertThat(run.err())
        .contains("prompt 16 tokens; completion 0 tokens; ended by")
        .doesNotContain("tokens/s");
  }

  @Test
  void errorsSayWhatToDo() throws IOException {
    Cli tooLong = infer("--prompt", prompt, "--max-model-len", 8);
    assertThat(tooLong.exit()).isEqualTo(2);
    assertThat(tooLong.err())
        .contains("the prompt has 16 tokens, which leaves no room in a context of 8");
    assertThat(tooLong.out()).isEmpty();
    assertThat(tooLong.err()).doesNotContain("greedy");
    assertThat(infer("--prompt", prompt, "--max-model-len", 16).err()).contains("no room");
    assertThat(infer("--prompt", prompt, "--max-model-len", 18, "--max-tokens", 9).err())
        .contains("completion 2 tokens");
    assertThat(infer("--prompt", "x", "--max-model-len", 513).exit()).isEqualTo(2);
    assertThat(infer("--prompt", "x", "--interactive").exit()).isEqualTo(2);
    Cli wrong = infer("--prompt", "x", "--top-p", 2);
    assertThat(wrong.exit()).isEqualTo(2);
    assertThat(wrong.err()).contains("yushan: --top-p: top_p must be above 0");
    assertThat(infer("--prompt", "x", "--top-k", -5).err()).contains("--top-k: must be 1 or more");
    assertThat(infer("--prompt", "山").err()).contains("model knows 0 to 511");
    Files.delete(model.resolve("tokenizer.json"));
    assertThat(infer("--prompt", "x").err()).contains("tokenizer.json", "--tokenizer");
  }
}
