package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Runs that cannot become anything end before anything is done.
class RefusedRunTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  @Test
  void configurationsThatCannotBeFollowedAreRefused() {
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    TrainingConfig.of(Map.of("model_name_or_path", fixture.model().toString())),
                    SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("dataset is not set");
    Map<String, Object> noEvaluation =
        fixture.settings(fixture.output("refused"), Map.of("eval_strategy", "epoch"));
    noEvaluation.remove("eval_dataset");
    assertThatThrownBy(() -> TrainingRun.run(TrainingConfig.of(noEvaluation), SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("name it with eval_dataset");
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(
                        fixture.output("refused"), Map.of("lr_scheduler_kwargs", Map.of("x", 1))),
                    SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("lr_scheduler_kwargs");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "optim | sgd | adamw_torch",
        "adam_beta1 | 1.5 | must be a number from 0 to below 1",
        "adam_beta2 | 1 | must be a number from 0 to below 1",
        "warmup_ratio | 2 | must be a number from 0 to 1",
        "max_shard_size | 10XB | must be a size",
        "max_shard_size | 0 | must be a size",
        "gradient_accumulation_steps | 0 | must be an integer ≥ 1",
        "save_strategy | never | must be one of no, steps, epoch",
        "eval_dataset | nowhere.jsonl | nowhere.jsonl",
        "eval_steps | 0 | is no interval",
        "sample_steps | 0 | is no interval; leave it out",
        "resume_from_checkpoint | nowhere | is no directory"
      })
  void wrongSettingsAreFoundBeforeAnythingIsTokenised(String key, String value, String message) {
    Path cache = root.resolve("untouched-cache");
    Map<String, Object> settings = new HashMap<>();
    settings.put("tokenized_cache_dir", cache.toString());
    settings.put("eval_strategy", "steps");
    settings.put(key, value);
    assertThatThrownBy(
            () -> TrainingRun.run(fixture.config(fixture.output("wrong"), settings), SILENT))
        .hasMessageContaining(message);
    assertThat(cache).doesNotExist();
  }

  @Test
  void aModelWithoutWeightsIsFoundBeforeAnythingIsTokenised() throws IOException {
    Path model = Files.createDirectory(root.resolve("no-weights"));
    Files.copy(fixture.model().resolve("config.json"), model.resolve("config.json"));
    Path cache = root.resolve("untouched-cache");
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(
                        fixture.output("wrong"),
                        Map.of(
                            "model_name_or_path",
                            model.toString(),
                            "tokenized_cache_dir",
                            cache.toString())),
                    SILENT))
        .hasMessageContaining("no-weights");
    assertThat(cache).doesNotExist();
  }

  /// What a run is made from must outlive it.
  @Test
  void aRunDoesNotWriteOverItsModelOrData() throws IOException {
    Path project = RunFixture.in(root.resolve("project")).model();
    byte[] weights = Files.readAllBytes(project.resolve("model.safetensors"));
    Map<String, Object> settings = new HashMap<>();
    settings.put("model_name_or_path", project.toString());
    refused(project, settings, "is the directory of the model that is trained");
    settings.put("overwrite_output_dir", true);
    refused(project, settings, "is the directory of the model that is trained");
    refused(
        project.getParent(), settings, "could delete " + project + ", which model_name_or_path");
    settings.remove("overwrite_output_dir");
    settings.put("dataset", project.resolveSibling("train.jsonl").toString());
    refused(project.getParent(), settings, "holds the dataset");
    assertThat(project.resolve("model.safetensors")).hasBinaryContent(weights);
    assertThat(project.resolveSibling("trainer_log.jsonl")).doesNotExist();
  }

  private static void refused(Path output, Map<String, Object> settings, String why) {
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, settings), SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(why)
        .hasMessageContaining("name another");
  }

  @Test
  void aDirectoryThatCannotBeClearedIsNotLeftLocked() throws IOException {
    Path output = fixture.output("uncleared");
    Files.createDirectories(output.resolve(".checkpoint-3.0123456789abcdef.replaced"));
    Files.createSymbolicLink(output.resolve("checkpoint-3"), Path.of("nowhere"));
    for (int attempt = 0; attempt < 2; attempt++) {
      assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, Map.of()), SILENT))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("cannot clear " + output);
    }
  }

  @Test
  void aLowestRateAboveTheHighestIsNamed() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("lr_scheduler_type", "cosine_with_min_lr");
    settings.put("lr_scheduler_kwargs", Map.of("min_lr", 1e-4));
    settings.put("learning_rate", 5e-5);
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(fixture.output("w"), settings), SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("lr_scheduler_kwargs")
        .hasMessageContaining("raise learning_rate");
  }

  @Test
  void dataWithNothingToPredictIsRefused() throws IOException {
    Path data = root.resolve("ignored.jsonl");
    Files.writeString(data, "{\"input_ids\": [1, 2, 3], \"labels\": [-100, -100, -100]}\n");
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(
                        fixture.output("nothing"),
                        Map.of("dataset", data.toString(), "save_strategy", "no")),
                    SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("nothing to predict in " + data);
  }
}
