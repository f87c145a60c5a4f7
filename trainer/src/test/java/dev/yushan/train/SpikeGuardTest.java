package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.backend.Traffic;
import dev.yushan.train.SpikeGuard.Action;
import dev.yushan.train.SpikeGuard.Seen;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SpikeGuardTest {
  private static final SpikeGuard GUARD = new SpikeGuard(Action.WARN, 6, 100);

  /// Losses 2 and 4 in turn: mean 3, deviation 1.
  private static List<Seen> steady(int steps) {
    return IntStream.range(0, steps).mapToObj(i -> new Seen(2 + 2 * (i % 2), 1)).toList();
  }

  @Test
  void aLossFarAboveTheWindowIsASpike() {
    Spike spike = GUARD.look(steady(40), new Seen(10, 1)).orElseThrow();
    assertThat(spike.what()).isEqualTo("loss");
    assertThat(spike.zScore()).isCloseTo(7, within(1e-9));
    assertThat(spike)
        .hasToString("loss 10.00, 7.0 standard deviations above the mean of 3.000 over 40 steps");
  }

  @Test
  void whatIsUsualOrBelowIsNone() {
    assertThat(GUARD.look(steady(40), new Seen(8.9, 1))).isEmpty();
    assertThat(GUARD.look(steady(40), new Seen(-50, 0))).isEmpty();
  }

  @Test
  void theGradientNormIsWatchedToo() {
    Spike spike = GUARD.look(steady(40), new Seen(3, 1.2)).orElseThrow();
    assertThat(spike.what()).isEqualTo("gradient norm");
    // all norms are 1: the deviation counts as 2 % of that
    assertThat(spike.zScore()).isCloseTo(10, within(1e-9));
  }

  @Test
  void theFirstStepsAreNotJudged() {
    assertThat(GUARD.look(steady(19), new Seen(1e6, 1))).isEmpty();
    assertThat(GUARD.look(steady(20), new Seen(1e6, 1))).isPresent();
    assertThat(new SpikeGuard(Action.STOP, 6, 4).look(steady(4), new Seen(1e6, 1))).isPresent();
  }

  /// So many in a row are no spikes any more: leaving out steps would never end.
  @Test
  void afterTenStepsLeftOutInARowItStops() {
    SpikeGuard guard = new SpikeGuard(Action.SKIP, 6, 4);
    Progress progress = Progress.START;
    for (Seen seen : steady(4)) {
      progress = progress.after(report(progress.steps() + 1, seen, Optional.empty()), 4);
    }
    Seen high = new Seen(1e6, 1);
    for (int i = 0; i < 10; i++) {
      Optional<Spike> spike = guard.look(progress, high);
      assertThat(spike).map(Spike::action).contains(Action.SKIP);
      progress = progress.after(report(progress.steps() + 1, high, spike), 4);
    }
    assertThat(progress.skippedInRow()).isEqualTo(10);
    assertThat(guard.look(progress, high)).map(Spike::action).contains(Action.STOP);
    assertThat(guard.look(progress, steady(1).getFirst())).isEmpty();
    Progress calm =
        progress.after(report(progress.steps() + 1, steady(1).getFirst(), Optional.empty()), 4);
    assertThat(calm.skippedInRow()).isZero();
    assertThat(calm.skipped()).isEqualTo(10);
  }

  private static StepReport report(long step, Seen seen, Optional<Spike> spike) {
    return new StepReport(step, seen.loss(), 0, seen.gradientNorm(), 10, spike, 1, Traffic.NONE);
  }

  @Test
  void switchedOffItSeesNothing() {
    assertThat(new SpikeGuard(Action.NO, 6, 100).look(steady(40), new Seen(1e6, 1))).isEmpty();
  }

  @Test
  void theWindowHoldsTheLastStepsAndNoneThatWasLeftOut() {
    Progress progress = Progress.START;
    for (int i = 1; i <= 5; i++) {
      progress =
          progress.after(new StepReport(i, i, 0, 1, 10, Optional.empty(), 1, Traffic.NONE), 3);
    }
    assertThat(progress.recent()).extracting(Seen::loss).containsExactly(3.0, 4.0, 5.0);
    Spike skipped = new Spike("loss", 99, 9, 1, 3, Action.SKIP);
    Progress after =
        progress.after(new StepReport(6, 99, 0, 1, 10, Optional.of(skipped), 1, Traffic.NONE), 3);
    assertThat(after.recent()).isEqualTo(progress.recent());
    assertThat(after.skipped()).isEqualTo(1);
    assertThat(after.steps()).isEqualTo(6);
  }
}
