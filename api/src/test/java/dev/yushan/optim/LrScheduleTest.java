package dev.yushan.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.golden.Golden;
import dev.yushan.optim.LrSchedule.Kind;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LrScheduleTest {
  static Stream<JsonNode> golden() {
    return StreamSupport.stream(Golden.json("lr_schedules.json").spliterator(), false);
  }

  @ParameterizedTest
  @MethodSource("golden")
  void equalsTransformersAtEveryStep(JsonNode wanted) {
    double base = wanted.get("base_lr").doubleValue();
    long total = wanted.get("total_steps").longValue();
    JsonNode kwargs = wanted.get("kwargs");
    LrSchedule schedule =
        new LrSchedule(
            Kind.valueOf(wanted.get("type").textValue().toUpperCase(Locale.ROOT)),
            base,
            LrSchedule.warmupSteps(wanted.get("warmup_ratio").doubleValue(), total),
            total,
            kwargs.path("min_lr").doubleValue() / base
                + kwargs.path("min_lr_rate").doubleValue()
                + kwargs.path("min_lr_ratio").doubleValue(),
            kwargs.path("num_decay_steps").longValue());

    assertThat(schedule.warmupSteps()).isEqualTo(wanted.get("warmup_steps").longValue());
    JsonNode rates = wanted.get("lr_used_at_step");
    assertThat(rates).hasSize((int) total);
    for (int step = 0; step < total; step++) {
      double rate = rates.get(step).doubleValue();
      assertThat(schedule.at(step)).as("step %d", step).isCloseTo(rate, within(rate * 1e-12));
    }
    assertThat(schedule.at(total))
        .isCloseTo(wanted.get("lr_after_last").doubleValue(), within(base * 1e-12));
  }
}
