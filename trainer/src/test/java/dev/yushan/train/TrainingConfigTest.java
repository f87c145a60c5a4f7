package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingConfigTest {
  /// A full-parameter pre-training file as users of LLaMA-Factory write it.
  private static final String CPT =
      """
      ### model
      model_name_or_path: meta-llama/Llama-3.2-1B
      trust_remote_code: true

      ### method
      stage: pt
      do_train: true
      finetuning_type: full
      deepspeed: examples/deepspeed/ds_z3_config.json

      ### dataset
      dataset: laws, wiki
      cutoff_len: 4096
      packing: true
      overwrite_cache: true
      preprocessing_num_workers: 16
      dataloader_num_workers: 4
      streaming: false

      ### output
      output_dir: saves/cpt
      logging_steps: 10
      save_steps: 0.1
      plot_loss: true
      overwrite_output_dir: true
      report_to: none

      ### train
      per_device_train_batch_size: 1
      gradient_accumulation_steps: 50
      learning_rate: 5.0e-5
      num_train_epochs: 10.0
      lr_scheduler_type: cosine_with_min_lr
      lr_scheduler_kwargs: {min_lr: 5e-6}
      warmup_ratio: 0.1
      bf16: true
      ddp_timeout: 180000000
      resume_from_checkpoint: null

      ### eval
      eval_dataset: laws_valid
      evaluation_strategy: steps
      eval_steps: 100
      """;

  @TempDir Path directory;

  private TrainingConfig read(String yaml, Map<String, String> overrides) throws IOException {
    return TrainingConfig.read(Files.writeString(directory.resolve("cpt.yaml"), yaml), overrides);
  }

  @Test
  void aLlamaFactoryFileRunsUnchanged() throws IOException {
    TrainingConfig config = read(CPT, Map.of());
    assertThat(config.names("dataset")).containsExactly("laws", "wiki");
    assertThat(config.text("packing")).isEqualTo("concat");
    assertThat(config.number("learning_rate")).isEqualTo(5e-5);
    assertThat(config.number("save_steps")).isEqualTo(0.1);
    assertThat(config.table("lr_scheduler_kwargs")).containsExactly(Map.entry("min_lr", 5e-6));
    assertThat(config.text("eval_strategy")).isEqualTo("steps");
    assertThat(config.count("sequence_len")).isEqualTo(4096);
    assertThat(config.text("resume_from_checkpoint")).isEqualTo("false");
    assertThat(config.flag("bf16")).isTrue();
    assertThat(config.notices())
        .hasSize(5)
        .anyMatch(line -> line.contains("overwrite_cache has no effect"))
        .anyMatch(line -> line.contains("line 9: deepspeed") && line.contains("one process"));
  }

  @Test
  void aReporterThatIsNotThereGetsANotice() {
    assertThat(TrainingConfig.of(Map.of("report_to", "wandb,tensorboard")).notices())
        .singleElement()
        .asString()
        .contains("report_to: wandb is not available here");
    assertThat(TrainingConfig.of(Map.of("report_to", "all")).notices()).isEmpty();
  }

  @Test
  void bf16BesideCheckpointingGetsANotice() {
    Map<String, Object> both = Map.of("bf16", true, "gradient_checkpointing", true);
    assertThat(TrainingConfig.of(both).notices())
        .singleElement()
        .asString()
        .contains("bf16 has no effect");
    assertThat(TrainingConfig.of(Map.of("bf16", true)).notices()).isEmpty();
  }

  @Test
  void whatIsNotSetHasTheDefaultsOfTrainingArguments() {
    TrainingConfig config = TrainingConfig.of(Map.of());
    assertThat(config.number("learning_rate")).isEqualTo(5e-5);
    assertThat(config.number("adam_beta2")).isEqualTo(0.999);
    assertThat(config.number("num_train_epochs")).isEqualTo(3);
    assertThat(config.count("per_device_train_batch_size")).isEqualTo(8);
    assertThat(config.text("lr_scheduler_type")).isEqualTo("linear");
    assertThat(config.whole("seed")).isEqualTo(42);
    assertThat(config.find("eval_dataset")).isEmpty();
    assertThatThrownBy(() -> config.text("model_name_or_path"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("model_name_or_path is not set");
  }

  @Test
  void originsAreKeptAndPrinted() throws IOException {
    TrainingConfig config = read(CPT, Map.of("learning_rate", "1e-5", "seed", "7"));
    assertThat(config.number("learning_rate")).isEqualTo(1e-5);
    assertThat(config.settings().get("learning_rate").origin()).isEqualTo("--set learning_rate");
    assertThat(config.settings().get("cutoff_len").origin()).endsWith("cpt.yaml line 13");
    assertThat(config.settings().get("data_seed"))
        .isEqualTo(new TrainingConfig.Setting("7", "default: seed"));
    assertThat(config.toYaml()).contains("weight_decay: 0").contains("# default");
    assertThat(read(config.toYaml(), Map.of()).toJson()).isEqualTo(config.toJson());
  }

  @Test
  void anUnknownKeyIsAnErrorThatNamesLineAndNearestKey() {
    assertThatThrownBy(() -> read("stage: pt\n\nlearning_rates: 1\n", Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("cpt.yaml line 3")
        .hasMessageContaining("no key learning_rates")
        .hasMessageEndingWith("learning_rate?");
    assertThatThrownBy(() -> read("", Map.of("warmup_step", "1")))
        .hasMessageContaining("--set warmup_step")
        .hasMessageEndingWith("warmup_steps?");
  }

  @ParameterizedTest
  @CsvSource({
    "mix_strategy, interleave_under, one after the other",
    "accelerator_config, {split_batches: true}, divide batches",
    "streaming, true, shards",
    "neat_packing, true, best_fit",
    "group_by_length, true, seed",
    "load_best_model_at_end, true, last",
    "quantization_bit, 4, float32",
  })
  void keysThatWouldChangeTheResultAreRefused(String key, String value, String reason) {
    assertThatThrownBy(() -> read(key + ": " + value, Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("line 1: " + key)
        .hasMessageContaining(reason);
  }

  @ParameterizedTest
  @CsvSource({
    "stage, sft, one of pt",
    "finetuning_type, lora, one of full",
    "learning_rate, fast, number",
    "learning_rate, -1, number",
    "max_steps, 1.5, integer",
    "per_device_train_batch_size, 0, integer ≥ 1",
    "plot_loss, maybe, boolean",
    "lr_scheduler_kwargs, 3, map",
    "packing, best, 'one of best_fit, concat, none'",
  })
  void aValueOfTheWrongTypeIsRefused(String key, String value, String expected) {
    assertThatThrownBy(() -> TrainingConfig.of(Map.of(key, value)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(key + " must be")
        .hasMessageContaining(expected);
  }

  /// The names of all arguments of transformers and LLaMA-Factory.
  @Test
  void everyKeyOfTheirsIsKnown() throws IOException {
    List<String> names =
        Files.readAllLines(Path.of("src/test/resources/config/known-keys.txt")).stream()
            .filter(line -> !line.startsWith("#"))
            .flatMap(line -> Stream.of(line.split(" ")))
            .toList();
    assertThat(names).hasSizeGreaterThan(400);
    assertThat(TrainingKeys.all().keySet()).containsAll(names);
  }

  @Test
  void aKeyIsSetOnceUnderOneOfItsNames() throws IOException {
    String both = "eval_strategy: steps\nevaluation_strategy: epoch\n";
    assertThatThrownBy(() -> read(both, Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("line 2: evaluation_strategy is set at")
        .hasMessageContaining("line 1 under another name");
    TrainingConfig config = read("evaluation_strategy: epoch\n", Map.of("eval_strategy", "steps"));
    assertThat(config.text("eval_strategy")).as("--set wins").isEqualTo("steps");
  }

  @Test
  void whatAsksForNothingIsHarmlessHoweverItIsSpelled() throws IOException {
    assertThat(
            read(
                    "label_smoothing_factor: 0.00\nfsdp: ''\nfsdp_config: {}\nreport_to: []\n"
                        + "group_by_length: False\nbf16: no\nfsdp_min_num_params: 0\n",
                    Map.of())
                .notices())
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "val_size, 0.1, 'val_size: 0.1 and eval_dataset are both set'",
    "val_size, 1.5, 'val_size: 1.5 is no part of the documents'",
    "world_size, 1000000000, times world_size is too large",
    "model_name_or_path, null, model_name_or_path is not set",
    "dataset, null, dataset is not set",
    "lr_scheduler_kwargs, '{x: 1}', lr_scheduler_kwargs has x",
    "eval_dataset, null, needs held-out data",
  })
  void whatCannotBeFollowedIsFoundWithoutARun(String key, String value, String message)
      throws IOException {
    assertThat(read(CPT, Map.of()).check().count("cutoff_len")).isEqualTo(4096);
    assertThatThrownBy(() -> read(CPT, Map.of(key, value)).check())
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(message.replace("kwargs has", "kwargs: {\"x\":1} has"));
  }

  @Test
  void malformedFilesAreRefusedWithTheirLine() {
    assertThatThrownBy(() -> read("seed: 1\nseed: 2\n", Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("line 2");
    assertThatThrownBy(() -> read("seed: 1\nnames: [a, b\nx: y: z", Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("no valid YAML");
    assertThatThrownBy(() -> read("stage: pt\n\tseed: 1", Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("(TAB)")
        .hasMessageContaining("indented by spaces");
    assertThatThrownBy(() -> read("just words", Map.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("key: value");
  }

  @Test
  void theReferencePageIsTheTable() throws IOException {
    Path page = Path.of("..", "docs", "reference", "config.md");
    assertThat(Files.readString(page))
        .as("run ConfigReference with the path of docs/reference/config.md")
        .isEqualTo(ConfigReference.page());
  }
}
