package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A run that is stopped during an evaluation does not wait for its end, and makes up for it.
class StoppedEvaluationTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  private static TrainingConfig config(Path output, boolean resume) {
    return fixture.config(
        output,
        Map.of(
            "eval_strategy",
            "steps",
            "eval_steps",
            3,
            "eval_on_start",
            true,
            "per_device_eval_batch_size",
            1,
            "save_strategy",
            "no",
            "max_steps",
            6,
            "resume_from_checkpoint",
            resume));
  }

  private static List<String> evaluations(Path output) throws IOException {
    return Files.readAllLines(output.resolve("trainer_log.jsonl")).stream()
        .filter(line -> line.contains("eval_loss"))
        .map(line -> line.replaceAll("\"(elapsed_time|remaining_time)\":\"[^\"]*\"", ""))
        .map(line -> line.replaceAll("\"eval_(runtime|\\w+_per_second)\":[^,}]*", ""))
        .map(line -> line.replaceAll("\"throughput\":[^,}]*", ""))
        .toList();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 3, 6})
  void theEvaluationIsDoneWhenTheRunGoesOn(long step) throws IOException {
    Path straight = fixture.output("straight-" + step);
    TrainingRun.run(config(straight, false), SILENT);

    Path output = fixture.output("stopped-" + step);
    AtomicInteger asked = new AtomicInteger();
    AtomicInteger through = new AtomicInteger();
    Progress stopped =
        TrainingRun.run(
            config(output, false),
            new TrainingListener() {
              @Override
              public Optional<String> stop(Progress progress) {
                boolean evaluating = progress.evaluationDue() && progress.steps() == step;
                return evaluating && asked.incrementAndGet() > 1
                    ? Optional.of("test")
                    : Optional.empty();
              }

              @Override
              public void evaluated(List<EvalResult> results, Progress progress) {
                through.incrementAndGet();
              }
            });
    assertThat(stopped.steps()).isEqualTo(step);
    assertThat(stopped.evaluationDue()).isTrue();
    assertThat(through).as("evaluations before").hasValue((int) step / 3);
    assertThat(output.resolve("model.safetensors")).doesNotExist();
    assertThat(output.resolve("checkpoint-" + step)).isDirectory();

    Progress end = TrainingRun.run(config(output, true), SILENT);
    assertThat(end.steps()).isEqualTo(6);
    assertThat(evaluations(output)).hasSize(3).isEqualTo(evaluations(straight));
    assertThat(output.resolve("model.safetensors"))
        .hasSameBinaryContentAs(straight.resolve("model.safetensors"));
  }
}
