package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.tensor.DType;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DiskForecastTest {
  private static final long PARAMETERS = 1000;

  private static DiskForecast forecast(long existing, Map<String, ?> settings) {
    Map<String, Object> all = new HashMap<>(settings);
    all.put("output_dir", "nowhere/yet");
    all.put("save_steps", 10);
    StepPlan plan = new StepPlan(100, 1, 100);
    return DiskForecast.of(
        TrainingConfig.of(all), plan, PARAMETERS, 8 * PARAMETERS, DType.BF16, 500, existing);
  }

  @Test
  void everyCheckpointIsKeptWhereThereIsNoLimit() {
    DiskForecast disk = forecast(0, Map.of());
    assertThat(disk.checkpoint()).isEqualTo(12 * PARAMETERS);
    assertThat(disk.needed()).isEqualTo(10 * 12 * PARAMETERS + 2 * PARAMETERS);
    assertThat(disk.free()).isPositive();
    assertThat(disk.fits()).isTrue();
  }

  @Test
  void aNewOneIsWrittenBeforeTheOldestGoes() {
    assertThat(forecast(0, Map.of("save_total_limit", 2)).more()).isEqualTo(3);
    assertThat(forecast(0, Map.of("save_total_limit", 10)).more()).isEqualTo(10);
    assertThat(forecast(2, Map.of("save_total_limit", 2)).more()).isEqualTo(1);
    assertThat(forecast(4, Map.of()).more()).isEqualTo(6);
    assertThat(forecast(0, Map.of("save_strategy", "no")).more()).isZero();
    assertThat(forecast(0, Map.of("save_only_model", true)).checkpoint()).isEqualTo(4 * PARAMETERS);
  }

  @Test
  void whatWouldFitIsNamed() {
    DiskForecast full = withFree(forecast(0, Map.of()), 50_000);
    assertThat(full.fits()).isFalse();
    assertThat(full.refusal())
        .contains("/full has", "save_total_limit: 1 needs", "save_only_model: true (cannot be")
        .contains("name an output_dir on a larger disk");
  }

  private static DiskForecast withFree(DiskForecast disk, long free) {
    return new DiskForecast(
        disk.config(),
        disk.checkpoint(),
        disk.weights(),
        disk.resumable(),
        disk.more(),
        disk.model(),
        disk.tokenised(),
        Path.of("/full"),
        free);
  }

  /// The line of the table that begins with `name`; empty without one.
  private static String row(DiskForecast disk, String name) {
    return disk.table()
        .lines()
        .filter(line -> line.strip().startsWith(name))
        .findFirst()
        .orElse("");
  }

  @Test
  void whatAStopOrAFailedStepWouldWriteIsShownAndRefusesNothing() {
    DiskForecast saving = forecast(0, Map.of());
    assertThat(row(saving, "if a step fails"))
        .contains("failed-step-N", "not in the sum")
        .doesNotContain("no room");
    assertThat(row(saving, "if it is stopped")).as("one of those counted").isEmpty();
    for (String setting : new String[] {"save_strategy: no", "save_only_model: true"}) {
      String[] pair = setting.split(": ");
      assertThat(row(forecast(0, Map.of(pair[0], pair[1])), "if it is stopped"))
          .as(setting)
          .contains("a checkpoint, not in the sum");
    }

    // an accident comes in the place of the model
    long enough = saving.more() * saving.checkpoint() + saving.weights();
    assertThat(withFree(saving, enough - 1).fits()).isTrue();
    assertThat(row(withFree(saving, enough - 1), "if a step fails"))
        .endsWith("there is no room for it");
    assertThat(row(withFree(saving, enough), "if a step fails")).endsWith("not in the sum");
  }
}
