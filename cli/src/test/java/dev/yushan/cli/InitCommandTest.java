package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.golden.Golden;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.StorageType;
import dev.yushan.text.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InitCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;
  private Path config;
  private Path tokenizer;

  @BeforeEach
  void write() throws IOException {
    ObjectNode small = (ObjectNode) JSON.readTree(Golden.path("tiny-llama-a/config.json").toFile());
    small.put("vocab_size", 300).put("bos_token_id", 298).put("eos_token_id", 299);
    config = directory.resolve("small.json");
    JSON.writeValue(config.toFile(), small);
    tokenizer = directory.resolve("tokenizer");
    BpeTrainer.train(
        List.of("玉山是臺灣最高的山。玉山有雪，玉山有樹。").iterator(), BpeTrainer.Options.ofVocabSize(270), tokenizer);
  }

  private Cli init(Object... more) {
    Object[] all = new Object[more.length + 5];
    System.arraycopy(
        new Object[] {"init", "--config", config, "--backend", "reference"}, 0, all, 0, 5);
    System.arraycopy(more, 0, all, 5, more.length);
    return Cli.run(all);
  }

  @Test
  void aSeedIsAModel() throws IOException {
    Path one = directory.resolve("one");
    Path two = directory.resolve("two");
    Path other = directory.resolve("other");
    Cli run = init("--output", one, "--seed", 7);
    assertThat(run.err()).doesNotContain("yushan:");
    assertThat(run.exit()).isZero();
    assertThat(run.out()).contains("LlamaForCausalLM", "parameters in F32, seed 7");
    assertThat(init("--output", two, "--seed", 7).exit()).isZero();
    assertThat(init("--output", other, "--seed", 8).exit()).isZero();

    byte[] weights = Files.readAllBytes(one.resolve("model.safetensors"));
    assertThat(Files.readAllBytes(two.resolve("model.safetensors"))).isEqualTo(weights);
    assertThat(Files.readAllBytes(other.resolve("model.safetensors"))).isNotEqualTo(weights);
    JsonNode generation = JSON.readTree(one.resolve("generation_config.json").toFile());
    assertThat(generation.get("bos_token_id").intValue()).isEqualTo(298);
    assertThat(generation.get("eos_token_id").intValue()).isEqualTo(299);
  }

  @Test
  void anotherModelBringsItsOwnTokenizerAndGenerationSettings() throws IOException {
    Path output = directory.resolve("again");
    assertThat(init("--output", output, "--tokenizer", tokenizer).exit()).isZero();
    Path other = directory.resolve("other-tokenizer");
    BpeTrainer.train(
        List.of("海邊的風很大。海水很藍。").iterator(), BpeTrainer.Options.ofVocabSize(264), other);
    Files.writeString(other.resolve("generation_config.json"), "{\"eos_token_id\": 1}");
    assertThat(init("--output", output, "--tokenizer", other, "--force").exit()).isZero();
    assertThat(output.resolve("tokenizer.json"))
        .hasSameTextualContentAs(other.resolve("tokenizer.json"));
    assertThat(output.resolve("generation_config.json")).content().contains("299");

    Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\": [2, 3]}");
    assertThat(init("--output", output, "--force").exit()).isZero();
    assertThat(output.resolve("generation_config.json")).content().contains("[2, 3]");
  }

  @Test
  void storesTheTypeAskedForWithTheTokenizer() throws IOException {
    Path output = directory.resolve("model");
    assertThat(init("--output", output, "--dtype", "bf16", "--tokenizer", tokenizer).exit())
        .isZero();
    assertThat(JSON.readTree(output.resolve("config.json").toFile()).get("dtype").asText())
        .isEqualTo("bfloat16");
    assertThat(output.resolve("tokenizer.json")).exists();
    assertThat(output.resolve("tokenizer_config.json")).exists();
    try (SafetensorsDirectory weights = SafetensorsDirectory.open(output)) {
      assertThat(weights.tensors()).isNotEmpty().allMatch(t -> t.type() == StorageType.BF16);
    }
  }

  @Test
  void aModelThatDoesNotFitInMemoryIsRefusedBeforeItIsMade() throws IOException {
    ObjectNode json = (ObjectNode) JSON.readTree(config.toFile());
    JSON.writeValue(config.toFile(), json.put("vocab_size", 2_000_000_000));
    Path output = directory.resolve("model");
    Cli run = Cli.run("init", "--config", config, "--backend", "cpu", "--output", output);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err()).contains("GiB of memory are free", "lower vocab_size");
    assertThat(output).doesNotExist();
  }

  @Test
  void aTokenizerThatIsTooLargeIsRefused() throws IOException {
    ObjectNode json = (ObjectNode) JSON.readTree(config.toFile());
    JSON.writeValue(config.toFile(), json.put("vocab_size", 260));
    Cli run = init("--output", directory.resolve("model"), "--tokenizer", tokenizer);
    assertThat(run.exit()).isEqualTo(2);
    assertThat(run.err())
        .containsPattern("yushan: the tokenizer has ids up to \\d+, but vocab_size");
    assertThat(directory.resolve("model")).doesNotExist();
  }

  @Test
  void whatIsThereIsReplacedOnlyByForce() throws IOException {
    Path output = Files.createDirectory(directory.resolve("model"));
    Files.writeString(output.resolve("notes.txt"), "mine");
    Cli refused = init("--output", output);
    assertThat(refused.exit()).isEqualTo(2);
    assertThat(refused.err()).contains("is not empty", "--force");
    assertThat(init("--output", output, "--force").exit()).isZero();
    assertThat(output.resolve("model.safetensors")).exists();
    assertThat(output.resolve("notes.txt")).hasContent("mine");
    Cli file = init("--output", config);
    assertThat(file.err()).contains("is a file, not a directory");
  }

  @Test
  void whatIsMissingIsNamed() {
    Cli noConfig = Cli.run("init", "--config", "absent.json", "--output", directory.resolve("m"));
    assertThat(noConfig.exit()).isEqualTo(1);
    assertThat(noConfig.err()).contains("absent.json does not exist");
    Cli noTokenizer = init("--output", directory.resolve("m"), "--tokenizer", directory);
    assertThat(noTokenizer.err()).contains("--tokenizer: there is no", "tokenizer.json");
    assertThat(Cli.run("init").exit()).isEqualTo(2);
  }
}
