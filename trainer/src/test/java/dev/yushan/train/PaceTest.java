package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import org.junit.jupiter.api.Test;

class PaceTest {
  private static final long SECOND = 1_000_000_000;

  @Test
  void thereIsNoneBeforeTheFirstStep() {
    Pace pace = new Pace();
    assertThat(pace.secondsPerStep()).isZero();
    pace.mark(5 * SECOND);
    assertThat(pace.secondsPerStep()).isZero();
    pace.mark(7 * SECOND);
    assertThat(pace.secondsPerStep()).isCloseTo(2, offset(1e-9));
  }

  @Test
  void theLastTwentyStepsCountAndNoneBefore() {
    Pace pace = new Pace();
    long now = -3 * SECOND; // System.nanoTime() may be below 0
    pace.mark(now);
    pace.mark(now += 100 * SECOND);
    for (int step = 1; step < 20; step++) {
      pace.mark(now += SECOND);
    }
    assertThat(pace.secondsPerStep())
        .as("with the slow one")
        .isCloseTo((100 + 19) / 20.0, offset(1e-9));
    pace.mark(now + SECOND);
    assertThat(pace.secondsPerStep()).as("without it").isCloseTo(1, offset(1e-9));
  }
}
