package dev.yushan.random;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CounterRandomTest {
  @Test
  void theNumbersAreForever() {
    // Checkpoints and seeds of earlier versions rely on these.
    assertThat(CounterRandom.bits(42, 0, 0)).isEqualTo(6332618229526065668L);
    assertThat(CounterRandom.bits(42, 3, 7)).isEqualTo(8984740033306438383L);
    assertThat(CounterRandom.permutation(42, 3, 8)).containsExactly(2, 0, 6, 7, 5, 1, 3, 4);
  }

  @Test
  void neighbouringSeedsStreamsAndPositionsDiffer() {
    Set<Long> seen = new HashSet<>();
    for (int seed = 0; seed < 20; seed++) {
      for (int stream = 0; stream < 20; stream++) {
        for (int position = 0; position < 20; position++) {
          seen.add(CounterRandom.bits(seed, stream, position));
        }
      }
    }
    assertThat(seen).hasSize(8000);
  }

  @Test
  void gaussianHasMeanZeroAndDeviationOne() {
    int n = 100_000;
    double[] values =
        IntStream.range(0, n).mapToDouble(i -> CounterRandom.gaussian(1, 2, i)).toArray();
    double mean = Arrays.stream(values).average().orElseThrow();
    double variance = Arrays.stream(values).map(v -> v * v).average().orElseThrow();
    assertThat(Math.abs(mean)).isLessThan(4 / Math.sqrt(n));
    assertThat(Math.abs(variance - 1)).isLessThan(4 * Math.sqrt(2.0 / n));
  }

  @Test
  void everyPlaceOfAPermutationIsAsLikely() {
    int[] first = new int[5];
    int draws = 10_000;
    for (int seed = 0; seed < draws; seed++) {
      first[CounterRandom.permutation(seed, 1, 5)[0]]++;
    }
    for (int count : first) {
      // Four standard deviations of a binomial with p = 1/5.
      assertThat(Math.abs(count - draws / 5)).isLessThan(160);
    }
  }
}
