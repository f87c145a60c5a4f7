package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static dev.yushan.train.RunOutput.checkpoints;
import static dev.yushan.train.RunOutput.json;
import static dev.yushan.train.RunOutput.weights;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.train.SpikeGuard.Action;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a run does at a spike: warn, skip, stop.
class SpikeRunTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  /// Settings under which the usual ups and downs of a run count as spikes.
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
    String told = "\"skipped_steps\" : " + skipped.size();
    assertThat(straight.resolve("train_results.json")).content().contains(told);
    assertThat(straight.resolve("trainer_state.json")).content().contains(told);
    assertThat(warned.resolve("trainer_state.json")).content().doesNotContain("skipped_steps");
    assertThat(straight.resolve("trainer_log.jsonl"))
        .content()
        .contains("\"spike_step\":" + skipped.getFirst() + ",", "\"spike_action\":\"skip\"");
    assertThat(straight.resolve("README.md"))
        .content()
        .containsPattern("\\| " + skipped.getFirst() + " \\| .*\\| step left out \\|")
        .contains(skipped.size() + " of the steps were left out as spikes");

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

  /// After a divergence every step is a spike, and the weights that could mend it are never taken.
  @Test
  void aRunThatWouldLeaveOutEveryStepEnds() throws IOException {
    Path output = fixture.output("spike-locked");
    Map<String, Object> diverging = new HashMap<>(spiking(Action.SKIP));
    diverging.put("learning_rate", 0.3);
    diverging.put("num_train_epochs", 8);
    diverging.put("save_steps", 100);
    assertThatThrownBy(() -> spikes(fixture.config(output, diverging), SILENT))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("the 10 steps before it were left out")
        .hasMessageContaining("with a lower learning_rate");
    assertThat(checkpoints(output)).hasSize(1);
    assertThat(output.resolve("run.json"))
        .content()
        .contains("\"stopped_by\" : \"on_spike: skip\"");
    diverging.put("resume_from_checkpoint", true);
    assertThatThrownBy(() -> spikes(fixture.config(output, diverging), SILENT))
        .hasMessageContaining("the 10 steps before it were left out");
  }

  @Test
  void aRunThatStopsAtASpikeSavesTheWeightsBeforeIt() throws IOException {
    Path warned = fixture.output("spike-first");
    long first = spikes(fixture.config(warned, spiking(Action.WARN)), SILENT).getFirst();
    Path output = fixture.output("spike-stopped");
    Map<String, Object> stopping = new HashMap<>(spiking(Action.STOP));
    stopping.put("save_steps", 100); // so that the only checkpoint is that of the stop
    assertThatThrownBy(() -> spikes(fixture.config(output, stopping), SILENT))
        .isInstanceOf(TrainingException.class)
        .hasMessageContaining("step " + first + ": ")
        .hasMessageContaining("on_spike: skip");
    assertThat(checkpoints(output)).contains("checkpoint-" + (first - 1));
    assertThat(output.resolve("failed-step-" + first + "/batch.jsonl")).isNotEmptyFile();
    assertThat(output.resolve("trainer_state.json"))
        .content()
        .contains("\"spike_step\" : " + first + ",", "\"spike_action\" : \"stop\"");
    assertThat(output.resolve("run.json"))
        .content()
        .contains("\"stopped_by\" : \"on_spike: stop\"");

    Map<String, Object> looser = new HashMap<>(spiking(Action.SKIP));
    looser.put("resume_from_checkpoint", true);
    looser.put("spike_threshold", 2);
    assertThatThrownBy(() -> spikes(fixture.config(output, looser), SILENT))
        .hasMessageContaining("spike_threshold was 1 and is 2");

    // as the message says
    Map<String, Object> skipping = new HashMap<>(spiking(Action.SKIP));
    skipping.put("resume_from_checkpoint", true);
    assertThat(spikes(fixture.config(output, skipping), SILENT)).contains(first);
    assertThat(output.resolve("model.safetensors")).exists();
    // the step was refused before it was skipped, and counts once
    assertThat(json(output.resolve("train_results.json")).get("performed_flops"))
        .isEqualTo(json(warned.resolve("train_results.json")).get("performed_flops"));

    Map<String, Object> other = new HashMap<>(spiking(Action.WARN));
    other.put("resume_from_checkpoint", true);
    assertThatThrownBy(() -> spikes(fixture.config(output, other), SILENT))
        .hasMessageContaining("on_spike was skip and is warn");
  }
}
