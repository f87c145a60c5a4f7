package dev.yushan.train;

import static dev.yushan.train.RunFixture.SILENT;
import static dev.yushan.train.RunOutput.json;
import static dev.yushan.train.RunOutput.weights;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a run is trained and evaluated on: part of the documents, part of the rows, the batches of
/// several devices.
class RunSelectionTest {
  @TempDir static Path root;

  private static RunFixture fixture;

  @BeforeAll
  static void files() {
    fixture = RunFixture.in(root);
  }

  private TrainingConfig drawn(Path output, Map<String, Object> others) {
    Map<String, Object> settings = fixture.settings(output, others);
    settings.remove("eval_dataset");
    settings.putIfAbsent("val_size", 0.1);
    settings.put("max_samples", 50);
    settings.put("eval_strategy", "epoch");
    return TrainingConfig.of(settings);
  }

  @Test
  void aDrawnPartIsHeldOutAndARunWithItIsResumedToTheSameBits() throws IOException {
    Path straight = fixture.output("drawn");
    List<EvalResult> evaluated = new ArrayList<>();
    TrainingRun.run(
        drawn(straight, Map.of()),
        new TrainingListener() {
          @Override
          public void evaluated(List<EvalResult> results, Progress progress) {
            evaluated.addAll(results);
          }
        });
    assertThat(evaluated).hasSize(2).extracting(EvalResult::name).containsOnly("validation");
    JsonNode ledger = json(straight.resolve("token_ledger.json"));
    assertThat(ledger.at("/selected/beyond_documents").asInt()).isEqualTo(10);
    assertThat(ledger.at("/selected/other_documents").asInt()).isEqualTo(5);
    assertThat(json(straight.resolve("eval_results.json")).has("eval_loss")).isTrue();
    Path broken = fixture.output("drawn-broken");
    assertThatThrownBy(() -> TrainingRun.run(drawn(broken, Map.of()), PowerCut.after(8)))
        .isInstanceOf(PowerCut.class);
    for (Map<String, Object> change :
        List.<Map<String, Object>>of(Map.of("seed", 43, "data_seed", 42), Map.of("val_size", 6))) {
      Map<String, Object> settings = new HashMap<>(change);
      settings.put("resume_from_checkpoint", true);
      assertThatThrownBy(() -> TrainingRun.run(drawn(broken, settings), SILENT))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining(change.containsKey("seed") ? "with val_size the seed" : "val_size");
    }
    TrainingRun.run(drawn(broken, Map.of("resume_from_checkpoint", true)), SILENT);
    assertThat(weights(broken)).isEqualTo(weights(straight));
  }

  @Test
  void devicesAreRunOneAfterTheOther() throws IOException {
    Path one = fixture.output("one-device");
    Progress end =
        TrainingRun.run(fixture.config(one, Map.of("gradient_accumulation_steps", 6)), SILENT);
    Path three = fixture.output("three-devices");
    Map<String, Object> devices = Map.of("gradient_accumulation_steps", 2, "world_size", 3);
    assertThat(TrainingRun.run(fixture.config(three, devices), SILENT)).isEqualTo(end);
    assertThat(weights(three)).isEqualTo(weights(one));
  }

  @Test
  void anEvaluationIsLimitedToSoManyRows() {
    for (int limit : new int[] {1, 3, 1000}) {
      List<Integer> rows = new ArrayList<>();
      TrainingRun.run(
          fixture.config(
              fixture.output("limited-" + limit),
              Map.of(
                  "max_steps",
                  1,
                  "eval_strategy",
                  "epoch",
                  "packing",
                  "none",
                  "per_device_eval_batch_size",
                  2,
                  "max_eval_samples",
                  limit)),
          new TrainingListener() {
            @Override
            public void evaluated(List<EvalResult> results, Progress progress) {
              rows.add(results.getFirst().rows());
            }
          });
      assertThat(rows).containsOnly(Math.min(limit, 8));
    }
  }
}
