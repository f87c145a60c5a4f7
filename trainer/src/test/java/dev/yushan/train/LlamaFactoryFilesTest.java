package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Files for full-parameter pre-training with the keys, and types of values, that the examples of
/// LLaMA-Factory have run as they are; only the model, the directories and the length of the run
/// are those of the test.
class LlamaFactoryFilesTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() throws IOException {
    fixture = RunFixture.in(root);
    Path data = Files.createDirectories(root.resolve("data"));
    Files.copy(root.resolve("train.jsonl"), data.resolve("c4_demo.jsonl"));
    Files.copy(root.resolve("valid.jsonl"), data.resolve("wiki_demo.jsonl"));
    Files.writeString(
        data.resolve("dataset_info.json"),
        """
        {"c4_demo": {"file_name": "c4_demo.jsonl", "columns": {"prompt": "text"}},
         "wiki_demo": {"file_name": "wiki_demo.jsonl", "columns": {"prompt": "text"}}}
        """);
  }

  private static Path resource(String name) {
    try {
      return Path.of(
          LlamaFactoryFilesTest.class.getResource("/config/llama-factory/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"pretrain.yaml", "pretrain-eval.yaml", "pretrain-fsdp.yaml"})
  void runsAsItIs(String name) throws IOException {
    assertThat(TrainingConfig.read(resource(name), Map.of()).check().notices()).isNotEmpty();
    Path output = root.resolve("out-" + name);
    TrainingConfig config =
        TrainingConfig.read(
            resource(name),
            Map.of(
                "model_name_or_path", fixture.model().toString(),
                "dataset_dir", root.resolve("data").toString(),
                "tokenized_cache_dir", root.resolve("cache").toString(),
                "output_dir", output.toString(),
                "cutoff_len", "64",
                "threads", "1",
                "max_steps", "1"));
    List<EvalResult> evaluated = new ArrayList<>();
    TrainingRun.run(
        config,
        new TrainingListener() {
          @Override
          public void evaluated(List<EvalResult> results, Progress progress) {
            evaluated.addAll(results);
          }
        });
    assertThat(output.resolve("model.safetensors")).isRegularFile();
    JsonNode ledger = new ObjectMapper().readTree(output.resolve("token_ledger.json").toFile());
    switch (name) {
      case "pretrain.yaml" -> {
        assertThat(evaluated).isEmpty();
        assertThat(ledger.at("/selected/beyond_documents").asInt()).isEqualTo(20);
      }
      case "pretrain-eval.yaml" -> {
        assertThat(evaluated).extracting(EvalResult::name).containsExactly("validation");
        assertThat(ledger.at("/selected/other_documents").asInt()).isEqualTo(7);
      }
      default -> assertThat(evaluated).extracting(EvalResult::name).containsExactly("c4_demo");
    }
  }

  @Test
  void severalDevicesAreToBeSaid() {
    assertThat(TrainingConfig.read(resource("pretrain-eval.yaml"), Map.of()).notices())
        .anyMatch(line -> line.contains("deepspeed") && line.contains("set world_size"));
    TrainingConfig ray = TrainingConfig.read(resource("pretrain-fsdp.yaml"), Map.of());
    assertThat(ray.count("world_size")).isEqualTo(4);
    assertThat(ray.notices())
        .anyMatch(line -> line.contains("global batch 2 × 4 × 4 = 32 rows: 4 devices"));
  }

  /// What the examples of other optimizers, losses and methods would change is refused.
  @ParameterizedTest
  @CsvSource({
    "use_galore, true", "use_badam, true", "use_apollo, true", "use_adam_mini, true",
    "use_muon, true", "mixture_of_depths, convert", "use_dft_loss, true", "use_asft_loss, true",
    "use_eaft_loss, true", "use_llama_pro, true", "stage, sft", "finetuning_type, oft",
    "quantization_bit, 4", "adapter_name_or_path, saves/lora",
  })
  void whatWouldChangeTheResultIsRefused(String key, String value) {
    assertThatThrownBy(() -> TrainingConfig.read(resource("pretrain.yaml"), Map.of(key, value)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("--set " + key);
  }
}
