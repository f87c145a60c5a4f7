package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.train.SpikeGuard.Action;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingRunTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TrainingListener SILENT = new TrainingListener() {};

  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  private static byte[] weights(Path output) throws IOException {
    return Files.readAllBytes(output.resolve("model.safetensors"));
  }

  private static JsonNode json(Path file) throws IOException {
    return JSON.readTree(file.toFile());
  }

  private static List<String> checkpoints(Path output) throws IOException {
    try (Stream<Path> files = Files.list(output)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith("checkpoint-"))
          .sorted()
          .toList();
    }
  }

  /// Ends a run from outside, as a power cut would, but leaves the process alive.
  private static final class Interruption extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static TrainingListener stopAfter(long steps) {
    return new TrainingListener() {
      @Override
      public void stepped(StepReport step, Progress progress) {
        if (progress.steps() == steps) {
          throw new Interruption();
        }
      }
    };
  }

  @Test
  void aRunLeavesTheFilesThatItsUsersKnow() throws IOException {
    Path output = fixture.output("files");
    Progress end =
        TrainingRun.run(
            fixture.config(
                output,
                Map.of(
                    "eval_strategy", "steps",
                    "eval_steps", 5,
                    "plot_loss", true,
                    "save_dtype", "bfloat16",
                    "include_num_input_tokens_seen", "all")),
            SILENT);
    assertThat(checkpoints(output)).hasSize(3).contains("checkpoint-" + end.steps());
    JsonNode state = json(output.resolve("trainer_state.json"));
    assertThat(state.get("global_step").asLong()).isEqualTo(end.steps());
    assertThat(state.get("epoch").asDouble()).isEqualTo(2.0);
    JsonNode first = state.get("log_history").get(0);
    assertThat(first.get("learning_rate").asDouble()).isZero();
    assertThat(first.get("num_input_tokens_seen").asLong()).isPositive();
    List<String> lines = Files.readAllLines(output.resolve("trainer_log.jsonl"));
    JsonNode line = JSON.readTree(lines.getFirst());
    for (String field :
        List.of(
            "current_steps",
            "total_steps",
            "loss",
            "lr",
            "epoch",
            "percentage",
            "elapsed_time",
            "remaining_time",
            "throughput",
            "total_tokens")) {
      assertThat(line.has(field)).as(field).isTrue();
    }
    JsonNode all = json(output.resolve("all_results.json"));
    assertThat(all.get("train_loss").asDouble()).isEqualTo(end.meanLoss());
    assertThat(all.get("eval_perplexity").asDouble())
        .isEqualTo(Math.exp(all.get("eval_loss").asDouble()));
    JsonNode training = json(output.resolve("train_results.json"));
    for (String field :
        List.of(
            "epoch",
            "total_flos",
            "train_loss",
            "train_runtime",
            "train_samples_per_second",
            "train_steps_per_second",
            "performed_flops",
            "mfu")) {
      assertThat(training.get(field).asDouble()).as(field).isPositive();
    }
    assertThat(training.get("model_flops").asDouble())
        .isGreaterThan(training.get("total_flos").asDouble());
    assertThat(json(output.resolve("eval_results.json")).has("eval_loss_hf")).isTrue();
    assertThat(output.resolve("training_loss.png")).isNotEmptyFile();
    assertThat(output.resolve("tokenizer.json")).isRegularFile();
    assertThat(output.resolve("training_config.yaml")).content().contains("learning_rate: 0.002");
    assertThat(output.resolve("checkpoint-" + end.steps() + "/training_state.json"))
        .isRegularFile();
    assertThat(json(output.resolve("config.json")).toString()).contains("bfloat16");
    try (Backend backend = Backends.open(Optional.empty(), BackendOptions.defaults());
        CausalLM model = Models.load(backend, output, DType.F32, false)) {
      assertThat(model.parameters()).isNotEmpty();
    }
  }

  @Test
  void theLossFalls() {
    List<Double> losses = new ArrayList<>();
    TrainingRun.run(
        fixture.config(fixture.output("falls"), Map.of("save_strategy", "no")),
        new TrainingListener() {
          @Override
          public void stepped(StepReport step, Progress progress) {
            losses.add(step.loss());
          }
        });
    assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.5);
  }

  @Test
  void resumingGivesTheSameBits() throws IOException {
    Path straight = fixture.output("straight");
    TrainingRun.run(fixture.config(straight, Map.of()), SILENT);
    Path broken = fixture.output("broken");
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(broken, Map.of()), stopAfter(8)))
        .isInstanceOf(Interruption.class);
    assertThat(checkpoints(broken)).containsExactly("checkpoint-3", "checkpoint-6");
    TrainingRun.run(fixture.config(broken, Map.of("resume_from_checkpoint", true)), SILENT);
    assertThat(weights(broken)).isEqualTo(weights(straight));
    assertThat(json(broken.resolve("train_results.json")).get("train_loss"))
        .isEqualTo(json(straight.resolve("train_results.json")).get("train_loss"));
    List<String> log = Files.readAllLines(broken.resolve("trainer_log.jsonl"));
    assertThat(log).hasSameSizeAs(Files.readAllLines(straight.resolve("trainer_log.jsonl")));
  }

  @Test
  void theLossOfEachSourceIsLoggedAndSurvivesAResume() throws IOException {
    Map<String, Object> settings = new HashMap<>();
    settings.put(
        "dataset",
        List.of(root.resolve("train.jsonl").toString(), root.resolve("valid.jsonl").toString()));
    settings.put("logging_steps", 2);
    settings.put("packing", "concat");
    Path straight = fixture.output("sources");
    TrainingRun.run(fixture.config(straight, settings), SILENT);
    Path broken = fixture.output("sources-broken");
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(broken, settings), stopAfter(8)))
        .isInstanceOf(Interruption.class);
    settings.put("resume_from_checkpoint", broken.resolve("checkpoint-3").toString());
    TrainingRun.run(fixture.config(broken, settings), SILENT);
    JsonNode expected = json(straight.resolve("trainer_state.json")).get("log_history");
    JsonNode history = json(broken.resolve("trainer_state.json")).get("log_history");
    for (int i = 0; i < expected.size() - 1; i++) {
      JsonNode entry = history.get(i);
      assertThat(entry.has("loss_train") || entry.has("loss_valid")).isTrue();
      assertThat(entry.get("loss_train")).isEqualTo(expected.get(i).get("loss_train"));
      assertThat(entry.get("loss_valid")).isEqualTo(expected.get(i).get("loss_valid"));
    }
    assertThat(json(broken.resolve("train_results.json")).get("performed_flops"))
        .isEqualTo(json(straight.resolve("train_results.json")).get("performed_flops"));
  }

  @Test
  void aDamagedCheckpointIsPassedOver() throws IOException {
    Path output = fixture.output("damaged");
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, Map.of()), stopAfter(8)))
        .isInstanceOf(Interruption.class);
    Path weights = output.resolve("checkpoint-6/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length / 2] ^= 1;
    Files.write(weights, bytes);
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(
                        output,
                        Map.of(
                            "resume_from_checkpoint", output.resolve("checkpoint-6").toString())),
                    SILENT))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("model.safetensors is not as it was written");
    List<Long> started = new ArrayList<>();
    TrainingRun.run(
        fixture.config(output, Map.of("resume_from_checkpoint", true)),
        new TrainingListener() {
          @Override
          public void started(StepPlan plan, Progress progress) {
            started.add(progress.steps());
          }
        });
    assertThat(started).containsExactly(3L);
  }

  @Test
  void whereAllCheckpointsAreDamagedNothingBegins() throws IOException {
    Path output = fixture.output("all-damaged");
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 3)), SILENT);
    Files.delete(output.resolve("checkpoint-3/optimizer.safetensors"));
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(output, Map.of("max_steps", 3, "resume_from_checkpoint", true)),
                    SILENT))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("no sound checkpoint (checkpoint-3: optimizer.safetensors is missing")
        .hasMessageContaining("overwrite_output_dir: true");
  }

  @Test
  void aRunThatGoesBackKeepsTheCheckpointsItWrites() throws IOException {
    Path output = fixture.output("back");
    Map<String, Object> settings = new HashMap<>(Map.of("save_total_limit", 9));
    TrainingRun.run(fixture.config(output, settings), SILENT);
    List<String> all = checkpoints(output);
    settings.put("save_total_limit", 1);
    settings.put("resume_from_checkpoint", output.resolve("checkpoint-3").toString());
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, settings), stopAfter(7)))
        .isInstanceOf(Interruption.class);
    List<String> expected = new ArrayList<>(all);
    expected.remove("checkpoint-3");
    assertThat(checkpoints(output)).containsExactlyElementsOf(expected).contains("checkpoint-6");
  }

  @Test
  void aFinishedRunWithoutCheckpointsIsNotTrainedAgain() {
    Path output = fixture.output("finished");
    Map<String, Object> settings = new HashMap<>(Map.of("max_steps", 2, "save_strategy", "no"));
    TrainingRun.run(fixture.config(output, settings), SILENT);
    settings.put("resume_from_checkpoint", true);
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, settings), SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("holds a finished run without checkpoints");
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

  @Test
  void resumeWithoutACheckpointStartsAtTheBeginning() {
    List<Long> started = new ArrayList<>();
    TrainingRun.run(
        fixture.config(
            fixture.output("none"),
            Map.of("resume_from_checkpoint", true, "max_steps", 2, "save_strategy", "no")),
        new TrainingListener() {
          @Override
          public void started(StepPlan plan, Progress progress) {
            started.add(progress.steps());
          }
        });
    assertThat(started).containsExactly(0L);
  }

  @Test
  void resumeWithOtherDataOrSettingsIsRefused() throws IOException {
    Path output = fixture.output("changed");
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 3)), SILENT);
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(
                        output,
                        Map.of(
                            "max_steps", 3, "resume_from_checkpoint", true, "weight_decay", 0.2)),
                    SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("weight_decay was 0.1 and is 0.2");
    Path other = root.resolve("other.jsonl");
    Files.writeString(other, Files.readString(root.resolve("train.jsonl")).replaceFirst("山", "海"));
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(
                        output,
                        Map.of(
                            "max_steps",
                            3,
                            "resume_from_checkpoint",
                            true,
                            "dataset",
                            other.toString())),
                    SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("training data has changed");
  }

  @Test
  void aDirectoryWithARunIsNotOverwrittenUnasked() throws IOException {
    Path output = fixture.output("twice");
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 6)), SILENT);
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, Map.of()), SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("overwrite_output_dir");
    TrainingRun.run(
        fixture.config(output, Map.of("max_steps", 3, "overwrite_output_dir", true)), SILENT);
    assertThat(checkpoints(output)).containsExactly("checkpoint-3");
  }

  @Test
  void aSecondWriterIsRefused() {
    Path output = fixture.output("locked");
    TrainingConfig config = fixture.config(output, Map.of("max_steps", 1));
    List<Throwable> refused = new ArrayList<>();
    TrainingRun.run(
        config,
        new TrainingListener() {
          @Override
          public void stepped(StepReport step, Progress progress) {
            try {
              TrainingRun.run(config, SILENT);
            } catch (TrainingException e) {
              refused.add(e);
            }
          }
        });
    assertThat(refused).hasSize(1);
    assertThat(refused.getFirst()).hasMessageContaining("in use by another run");
  }

  @Test
  void aLossThatIsNotFiniteEndsTheRunAndSavesNothing() throws IOException {
    Path output = fixture.output("diverged");
    assertThatThrownBy(
            () ->
                TrainingRun.run(
                    fixture.config(
                        output,
                        Map.of(
                            "learning_rate",
                            1e38,
                            "lr_scheduler_type",
                            "constant",
                            "save_steps",
                            1)),
                    SILENT))
        .isInstanceOf(TrainingException.class)
        .hasMessageMatching("(?s).*(loss|gradient norm) of step [23] is .*train.jsonl.*");
    assertThat(output.resolve("model.safetensors")).doesNotExist();
    assertThat(output.resolve("train_results.json")).doesNotExist();
  }

  @Test
  void aFailedStepIsKeptAndReplayed() throws IOException {
    Path output = fixture.output("replayed");
    Map<String, Object> diverging =
        Map.of("learning_rate", 1e30, "lr_scheduler_type", "constant", "warmup_ratio", 0);
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, diverging), SILENT))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("either the weights after step 1 are spoilt")
        .hasMessageContaining("yushan train --replay " + output.resolve("failed-step-2"));
    List<String> said = new ArrayList<>();
    try (Backend backend = Backends.open(Optional.empty(), BackendOptions.defaults())) {
      Replay.run(backend, output.resolve("failed-step-2"), said::add);
      assertThatThrownBy(() -> Replay.run(backend, output, said::add))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("name a directory failed-step-N");
    }
    assertThat(said.getFirst()).matches("the run said: the (loss|gradient norm) of step 2 is .*");
    assertThat(said)
        .anyMatch(line -> line.matches("micro-batch \\d: loss .*gradient norm .* (NaN|Infinity)"));
    assertThat(said).anyMatch(line -> line.startsWith("the weights are finite, the gradient of "));
    assertThat(said).anyMatch(line -> line.matches("  loss \\S+ +.*train.jsonl line \\d+"));
  }

  /// Settings under which the step after the 20th counts as a spike, whatever it is.
  private static Map<String, Object> spiking(Action action) {
    return Map.of(
        "on_spike",
        action.name().toLowerCase(Locale.ROOT),
        "spike_threshold",
        1,
        "spike_window",
        4,
        "num_train_epochs",
        4,
        "learning_rate",
        2e-2,
        "lr_scheduler_type",
        "constant");
  }

  /// The steps with a spike, of a run from its beginning or its last checkpoint.
  private static List<Long> spikes(TrainingConfig config, TrainingListener other) {
    List<Long> spikes = new ArrayList<>();
    TrainingRun.run(
        config,
        TrainingListener.all(
            other,
            new TrainingListener() {
              @Override
              public void stepped(StepReport step, Progress progress) {
                step.spike().ifPresent(spike -> spikes.add(step.step()));
              }
            }));
    return spikes;
  }

  @Test
  void skippedStepsAreLeftOutAndAResumeSkipsTheSame() throws IOException {
    Path warned = fixture.output("spike-warned");
    List<Long> seen = spikes(fixture.config(warned, spiking(Action.WARN)), SILENT);
    assertThat(seen).isNotEmpty();

    Path straight = fixture.output("spike-skipped");
    List<Long> skipped = spikes(fixture.config(straight, spiking(Action.SKIP)), SILENT);
    assertThat(skipped.getFirst()).isEqualTo(seen.getFirst());
    assertThat(weights(straight)).isNotEqualTo(weights(warned));

    Path stopped = fixture.output("spike-resumed");
    StopRequest stop = new StopRequest();
    TrainingListener afterSpike =
        new TrainingListener() {
          @Override
          public void stepped(StepReport step, Progress progress) {
            if (step.step() == skipped.getFirst() + 1) {
              stop.request("test");
            }
          }
        };
    spikes(fixture.config(stopped, spiking(Action.SKIP)), TrainingListener.all(afterSpike, stop));
    assertThat(stopped.resolve("model.safetensors")).doesNotExist();
    Map<String, Object> resumed = new HashMap<>(spiking(Action.SKIP));
    resumed.put("resume_from_checkpoint", true);
    spikes(fixture.config(stopped, resumed), SILENT);
    assertThat(weights(stopped)).isEqualTo(weights(straight));
  }

  @Test
  void aRunThatStopsAtASpikeSavesTheWeightsBeforeIt() throws IOException {
    Path warned = fixture.output("spike-first");
    long first = spikes(fixture.config(warned, spiking(Action.WARN)), SILENT).getFirst();
    Path output = fixture.output("spike-stopped");
    assertThatThrownBy(() -> spikes(fixture.config(output, spiking(Action.STOP)), SILENT))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("step " + first + ": ")
        .hasMessageContaining("on_spike: skip");
    assertThat(checkpoints(output)).contains("checkpoint-" + (first - 1));
    assertThat(output.resolve("failed-step-" + first + "/batch.jsonl")).isNotEmptyFile();
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
        "adam_beta1 | 1.5 | must be number ≥ 0 < 1",
        "adam_beta2 | 1 | must be number ≥ 0 < 1",
        "warmup_ratio | 2 | must be number ≥ 0 ≤ 1",
        "max_shard_size | 10XB | must be size",
        "max_shard_size | 0 | must be size",
        "eval_dataset | nowhere.jsonl | nowhere.jsonl",
        "eval_steps | 0 | is no interval",
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
}
