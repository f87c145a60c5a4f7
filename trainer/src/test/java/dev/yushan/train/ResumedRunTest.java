package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static dev.yushan.train.RunOutput.checkpoints;
import static dev.yushan.train.RunOutput.json;
import static dev.yushan.train.RunOutput.weights;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Runs that go on from a checkpoint, and those that refuse to.
class ResumedRunTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  @Test
  void resumingGivesTheSameBits() throws IOException {
    Path straight = fixture.output("straight");
    TrainingRun.run(fixture.config(straight, Map.of()), SILENT);
    Path broken = fixture.output("broken");
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(broken, Map.of()), PowerCut.after(8)))
        .isInstanceOf(PowerCut.class);
    assertThat(checkpoints(broken)).containsExactly("checkpoint-3", "checkpoint-6");
    TrainingRun.run(fixture.config(broken, Map.of("resume_from_checkpoint", true)), SILENT);
    assertThat(weights(broken)).isEqualTo(weights(straight));
    assertThat(json(broken.resolve("train_results.json")).get("train_loss"))
        .isEqualTo(json(straight.resolve("train_results.json")).get("train_loss"));
    List<String> log = Files.readAllLines(broken.resolve("trainer_log.jsonl"));
    assertThat(log).hasSameSizeAs(Files.readAllLines(straight.resolve("trainer_log.jsonl")));
  }

  @Test
  void aTimeThatIsOverBeforeTheFirstStepTakesNone() throws IOException {
    Path straight = fixture.output("in-time");
    TrainingRun.run(fixture.config(straight, Map.of()), SILENT);
    Path late = fixture.output("late");
    StopRequest over = new StopRequest(Duration.ofSeconds(-1), "--max-time");
    Progress stopped = TrainingRun.run(fixture.config(late, Map.of()), over);
    assertThat(stopped.steps()).isZero();
    assertThat(checkpoints(late)).containsExactly("checkpoint-0");
    assertThat(late.resolve("run.json")).content().contains("\"stopped_by\" : \"--max-time\"");

    Map<String, Object> resumed = Map.of("resume_from_checkpoint", true);
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(late, resumed), PowerCut.after(8)))
        .isInstanceOf(PowerCut.class);
    StopRequest again = new StopRequest(Duration.ZERO, "--max-time");
    assertThat(TrainingRun.run(fixture.config(late, resumed), again).steps()).isEqualTo(6);
    TrainingRun.run(fixture.config(late, resumed), SILENT);
    assertThat(weights(late)).isEqualTo(weights(straight));
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
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(broken, settings), PowerCut.after(8)))
        .isInstanceOf(PowerCut.class);
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
  void aRunThatGoesBackKeepsTheCheckpointsItWrites() throws IOException {
    Path output = fixture.output("back");
    Map<String, Object> settings = new HashMap<>(Map.of("save_total_limit", 9));
    TrainingRun.run(fixture.config(output, settings), SILENT);
    List<String> all = checkpoints(output);
    settings.put("save_total_limit", 1);
    settings.put("resume_from_checkpoint", output.resolve("checkpoint-3").toString());
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, settings), PowerCut.after(7)))
        .isInstanceOf(PowerCut.class);
    List<String> expected = new ArrayList<>(all);
    expected.remove("checkpoint-3");
    assertThat(checkpoints(output)).containsExactlyElementsOf(expected).contains("checkpoint-6");
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
  void aDamagedCheckpointIsPassedOver() throws IOException {
    Path output = fixture.output("damaged");
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, Map.of()), PowerCut.after(8)))
        .isInstanceOf(PowerCut.class);
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
  void aFinishedRunKeepsItsResultsWhenItIsContinued() throws IOException {
    Path output = fixture.output("finished-with-checkpoint");
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 3)), SILENT);
    List<String> records =
        List.of("all_results.json", "train_results.json", "trainer_state.json", "run.json");
    Map<String, String> before = contents(output, records);
    List<Long> finished = new ArrayList<>();
    Progress end =
        TrainingRun.run(
            fixture.config(output, Map.of("max_steps", 3, "resume_from_checkpoint", true)),
            new TrainingListener() {
              @Override
              public void finished(Progress progress) {
                finished.add(progress.steps());
              }
            });
    assertThat(end.steps()).isEqualTo(3);
    assertThat(finished).containsExactly(3L);
    assertThat(contents(output, records)).isEqualTo(before);
  }

  @Test
  void theLastEvaluationIsAmongTheResultsWhereverTheRunWasCutOff() throws IOException {
    Path straight = fixture.output("evaluated");
    Map<String, Object> settings = new HashMap<>(Map.of("eval_strategy", "steps", "eval_steps", 3));
    settings.put("max_steps", 6);
    TrainingRun.run(fixture.config(straight, settings), SILENT);
    Path broken = fixture.output("evaluated-broken");
    TrainingListener cut =
        new TrainingListener() {
          @Override
          public void finished(Progress progress) {
            throw new IllegalStateException("after the last checkpoint");
          }
        };
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(broken, settings), cut))
        .isInstanceOf(IllegalStateException.class);
    assertThat(checkpoints(broken)).contains("checkpoint-6");
    settings.put("resume_from_checkpoint", true);
    TrainingRun.run(fixture.config(broken, settings), SILENT);
    for (String file : List.of("eval_results.json", "all_results.json")) {
      JsonNode expected = json(straight.resolve(file));
      JsonNode results = json(broken.resolve(file));
      assertThat(results.get("eval_loss")).isNotNull().isEqualTo(expected.get("eval_loss"));
      assertThat(results.fieldNames())
          .toIterable()
          .containsExactlyElementsOf(() -> expected.fieldNames());
    }
  }

  @Test
  void aBaseOfAnotherShapeIsNotPutUnderTheWeightsOfACheckpoint() throws IOException {
    Path output = fixture.output("other-base");
    TrainingRun.run(fixture.config(output, Map.of("max_steps", 3)), SILENT);
    Path other = Files.createDirectories(root.resolve("other-base-model"));
    for (String file : List.of("model.safetensors", "tokenizer.json", "config.json")) {
      Files.copy(fixture.model().resolve(file), other.resolve(file));
    }
    Map<String, Object> settings = new HashMap<>(Map.of("max_steps", 3));
    settings.put("resume_from_checkpoint", true);
    settings.put("model_name_or_path", other.toString());
    TrainingRun.run(fixture.config(output, settings), SILENT);
    Path config = other.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config).replaceFirst("\"rms_norm_eps\": [^,]+", "\"rms_norm_eps\": 0.5"));
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, settings), SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("cannot be continued: model_name_or_path is of another config.json");
  }

  @Test
  void aCheckpointOfAnotherDirectoryIsNotMixedWithTheRunInThisOne() throws IOException {
    Path first = fixture.output("mixed-first");
    Map<String, Object> settings = new HashMap<>(Map.of("max_steps", 6));
    TrainingRun.run(fixture.config(first, settings), SILENT);
    Path second = fixture.output("mixed-second");
    TrainingRun.run(fixture.config(second, settings), SILENT);
    settings.put("resume_from_checkpoint", first.resolve("checkpoint-3").toString());
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(second, settings), SILENT))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(second + " holds a run already");
    TrainingRun.run(fixture.config(fixture.output("mixed-free"), settings), SILENT);
    settings.put("overwrite_output_dir", true);
    for (Path output : List.of(second, fixture.output("mixed-free"))) {
      TrainingRun.run(fixture.config(output, settings), SILENT);
      assertThat(weights(output)).isEqualTo(weights(first));
      assertThat(checkpoints(output)).containsExactly("checkpoint-6");
      assertThat(Files.readAllLines(output.resolve("trainer_log.jsonl")))
          .hasSize(3)
          .noneMatch(line -> line.contains("\"current_steps\":3,"));
    }
  }

  @Test
  void aRunThatIsCutOffBetweenItsResultsAndItsRecordWritesBoth() throws IOException {
    Path output = fixture.output("cut-at-the-end");
    Path state = output.resolve("trainer_state.json");
    TrainingListener inTheWay =
        new TrainingListener() {
          @Override
          public void finished(Progress progress) {
            try {
              Files.createDirectories(state.resolve("in-the-way"));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    Map<String, Object> settings = new HashMap<>(Map.of("max_steps", 3));
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, settings), inTheWay))
        .isInstanceOf(UncheckedIOException.class);
    DurableFiles.deleteDirectory(state);
    settings.put("resume_from_checkpoint", true);
    TrainingRun.run(fixture.config(output, settings), SILENT);
    assertThat(state).content().contains("\"train_loss\"");
    assertThat(output.resolve("all_results.json")).exists();
    assertThat(json(output.resolve("run.json")).at("/processes/1/to_step").asLong()).isEqualTo(3);
  }

  private static Map<String, String> contents(Path directory, List<String> files)
      throws IOException {
    Map<String, String> all = new HashMap<>();
    for (String file : files) {
      all.put(file, Files.readString(directory.resolve(file)));
    }
    return all;
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
        .hasMessageContaining("training data has changed")
        .hasMessageContaining("train.jsonl is gone, " + other + " is new");
    Path data = root.resolve("train.jsonl");
    String before = Files.readString(data);
    Files.writeString(data, before.replaceFirst("山", "海"));
    Map<String, Object> on = Map.of("max_steps", 3, "resume_from_checkpoint", true);
    try {
      assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, on), SILENT))
          .hasMessageContaining("training data has changed: " + data + " was changed; set it back");
    } finally {
      Files.writeString(data, before);
    }
    Map<String, Object> seed = new HashMap<>(on);
    seed.put("seed", 5);
    assertThatThrownBy(() -> TrainingRun.run(fixture.config(output, seed), SILENT))
        .hasMessageContaining("data_seed (by seed) was 42 and is 5")
        .hasMessageContaining("gradient_checkpointing");
  }
}
