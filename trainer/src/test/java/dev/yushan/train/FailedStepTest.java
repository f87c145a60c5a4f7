package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Steps that end a run, and what is kept of them.
class FailedStepTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
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
        .anyMatch(
            line ->
                line.matches(
                    "micro-batch \\d: loss .*, norm of the gradients so far (NaN|Infinity)"));
    assertThat(said).anyMatch(line -> line.startsWith("the weights are finite, the gradient of "));
    assertThat(said).anyMatch(line -> line.matches("  loss \\S+ +.*train.jsonl line \\d+"));
  }
}
