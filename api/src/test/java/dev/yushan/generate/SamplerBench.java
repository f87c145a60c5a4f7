package dev.yushan.generate;

import dev.yushan.generate.SamplingParams.Builder;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntSupplier;
import java.util.function.UnaryOperator;

/// Measures what choosing a token costs: microseconds of processor time of one thread for a row of
/// 128,256 logits, median of the rounds, beside a version that sorts the whole row, in the same
/// process. The rows are normal with a standard deviation of 2.5 and a few tokens far above, about
/// what a Llama writes; `flat` has none of these, so that filters keep tens of thousands.
///
/// ```
/// mvn -q -Pbench-sampling -DskipTests -pl api test
/// ```
final class SamplerBench {
  private static final int VOCAB_SIZE = 128_256;
  private static final int ROWS = 8;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private SamplerBench() {}

  public static void main(String[] args) {
    Map<String, UnaryOperator<Builder>> modes = new LinkedHashMap<>();
    modes.put("greedy", b -> b.temperature(0));
    modes.put("greedy, penalties", b -> b.temperature(0).repetitionPenalty(1.1).presencePenalty(1));
    modes.put("temperature", b -> b.temperature(0.8));
    modes.put("temperature, top_k 50", b -> b.temperature(0.8).topK(50));
    modes.put("temperature, top_k 5000", b -> b.temperature(0.8).topK(5000));
    modes.put("temperature, top_p 0.9", b -> b.temperature(0.8).topP(0.9));
    modes.put("temperature, min_p 0.05", b -> b.temperature(0.8).minP(0.05));
    modes.put("temperature, typical_p 0.9", b -> b.temperature(0.8).typicalP(0.9));
    modes.put(
        "top_k 50, top_p 0.9, penalties",
        b -> b.temperature(0.8).topK(50).topP(0.9).repetitionPenalty(1.1).frequencyPenalty(0.5));
    for (boolean flat : new boolean[] {false, true}) {
      float[][] rows = rows(flat);
      modes.forEach(
          (name, set) -> compare((flat ? "flat: " : "") + name, rows, set, Optional.empty()));
      BitSet few = new BitSet();
      new Random(2).ints(300, 0, VOCAB_SIZE).forEach(few::set);
      compare((flat ? "flat: " : "") + "temperature, 300 allowed", rows, b -> b, Optional.of(few));
    }
    logProbabilities(rows(false));
  }

  private static float[][] rows(boolean flat) {
    Random random = new Random(1);
    float[][] rows = new float[ROWS][VOCAB_SIZE];
    for (float[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        row[i] = (float) (2.5 * random.nextGaussian());
      }
      for (int i = 0; i < 40 && !flat; i++) {
        row[random.nextInt(VOCAB_SIZE)] =
            (float) (18 - 2 * Math.log(1 + i) + random.nextGaussian());
      }
    }
    return rows;
  }

  private static void compare(
      String name, float[][] rows, UnaryOperator<Builder> set, Optional<BitSet> allowed) {
    SamplingParams params = set.apply(SamplingParams.builder().seed(7)).build();
    int[] prompt = new Random(3).ints(500, 0, VOCAB_SIZE).toArray();
    int[] output = new Random(4).ints(200, 0, VOCAB_SIZE).toArray();
    TokenHistory history = new TokenHistory(prompt);
    Arrays.stream(output).forEach(history::add);
    int[] turn = new int[1];
    double own =
        micros(
            200, () -> Sampler.next(rows[turn[0]++ % ROWS], history, params, List.of(), allowed));
    double sorted = micros(10, () -> sorted(rows[turn[0]++ % ROWS], params));
    System.out.printf(
        "%-42s %8.0f µs   full sort %8.0f µs   ratio %5.1f%n", name, own, sorted, sorted / own);
  }

  /// A draw by way of the whole row in descending order, the plain way to filter.
  private static int sorted(float[] logits, SamplingParams params) {
    float temperature = params.isGreedy() ? 1 : (float) params.temperature();
    long[] entries = new long[logits.length];
    for (int i = 0; i < logits.length; i++) {
      entries[i] = Candidates.entry(-logits[i] / temperature, i);
    }
    Arrays.sort(entries);
    if (params.isGreedy()) {
      return (int) entries[0];
    }
    float max = logits[(int) entries[0]] / temperature;
    double total = 0;
    double[] weights = new double[logits.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Math.exp((double) logits[(int) entries[i]] / temperature - max);
      total += weights[i];
    }
    int kept = params.topK() > 0 ? params.topK() : weights.length;
    double sum = 0;
    for (int i = 0; i < kept; i++) {
      if (sum >= params.topP() * total || weights[i] < params.minP()) {
        kept = i;
      }
      sum += weights[i];
    }
    double target = 0.5 * sum;
    int i = 0;
    for (double seen = weights[0]; seen <= target && i + 1 < kept; seen += weights[i]) {
      i++;
    }
    return (int) entries[i];
  }

  private static void logProbabilities(float[][] rows) {
    int[] turn = new int[1];
    double one =
        micros(
            200,
            () -> {
              float[] row = rows[turn[0]++ % ROWS];
              return Float.floatToIntBits(LogProbabilities.of(row).of(5));
            });
    double many =
        micros(
            200,
            () -> {
              LogProbabilities row = LogProbabilities.of(rows[turn[0]++ % ROWS]);
              return row.ranked(5).rank() + row.top(20).size();
            });
    System.out.printf("log-probability of a token %8.0f µs%n", one);
    System.out.printf("the same, its rank and the 20 most probable %8.0f µs%n", many);
  }

  private static double micros(int rounds, IntSupplier body) {
    int sink = 0;
    for (int i = 0; i < rounds; i++) {
      sink += body.getAsInt();
    }
    long[] nanos = new long[rounds];
    for (int i = 0; i < rounds; i++) {
      long start = THREADS.getCurrentThreadCpuTime();
      sink += body.getAsInt();
      nanos[i] = THREADS.getCurrentThreadCpuTime() - start;
    }
    if (sink == Integer.MIN_VALUE) {
      System.out.println("a rare sum");
    }
    Arrays.sort(nanos);
    return nanos[rounds / 2] / 1e3;
  }
}
