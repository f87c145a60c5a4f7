package dev.yushan.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LaneTest {
  private static final int ELEMENTS = 64 * 200;

  @Test
  void regionsNeverOverlapAndComeBackWhole() {
    SplittableRandom random = new SplittableRandom(1950);
    Lane lane = new Lane(64, ELEMENTS);
    Map<Integer, Integer> taken = new HashMap<>();
    for (int round = 0; round < 2000; round++) {
      if (random.nextBoolean() && !taken.isEmpty()) {
        int at =
            taken.keySet().stream().skip(random.nextInt(taken.size())).findFirst().orElseThrow();
        lane.give(at, taken.remove(at));
      } else {
        int size = 1 + random.nextInt(900);
        int at = lane.take(size);
        if (at >= 0) {
          taken.forEach(
              (other, length) ->
                  assertThat(at + size <= other || other + length <= at)
                      .as("%d of %d and %d of %d (seed 1950)", at, size, other, length)
                      .isTrue());
          assertThat(at).isGreaterThanOrEqualTo(64);
          assertThat(at + size).isLessThanOrEqualTo(ELEMENTS);
          taken.put(at, size);
        }
      }
    }
    taken.forEach((at, size) -> lane.give(at, size));
    assertThat(lane.take(ELEMENTS - 64)).isEqualTo(64);
    assertThat(lane.take(1)).isNegative();
  }
}
