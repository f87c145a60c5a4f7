package dev.yushan.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// The distribution that [Sampler] draws from, by its definition: each step over the whole
/// vocabulary, in plain arithmetic, with full sorts. What the tests compare with, and the
/// benchmark.
final class SlowSampling {
  private SlowSampling() {}

  static double[] probabilities(
      float[] logits,
      int[] prompt,
      int[] output,
      SamplingParams p,
      List<Integer> eosIds,
      Optional<BitSet> allowed) {
    float[] s = processed(logits, prompt, output, p, eosIds, allowed);
    for (int i = 0; i < s.length; i++) {
      s[i] /= (float) p.temperature();
    }
    if (p.topK() > 0 && p.topK() < s.length) {
      float[] sorted = s.clone();
      Arrays.sort(sorted);
      keep(s, i -> s[i] >= sorted[sorted.length - p.topK()]);
    }
    if (p.topP() < 1) {
      keepMass(s, p.topP(), Comparator.comparingDouble(i -> 0 - s[i]), false);
    }
    if (p.minP() > 0) {
      double[] q = softmax(s);
      double max = Arrays.stream(q).max().orElseThrow();
      keep(s, i -> q[i] >= p.minP() * max);
    }
    if (p.typicalP() < 1) {
      double[] q = softmax(s);
      double entropy = Arrays.stream(q).filter(v -> v > 0).map(v -> -v * Math.log(v)).sum();
      // equal in float32, which transformers compares
      Comparator<Integer> byDistance =
          Comparator.comparing(i -> (float) Math.abs(-Math.log(q[i]) - entropy));
      keepMass(s, p.typicalP(), byDistance, true);
    }
    return softmax(s);
  }

  static float[] processed(
      float[] logits,
      int[] prompt,
      int[] output,
      SamplingParams p,
      List<Integer> eosIds,
      Optional<BitSet> allowed) {
    float[] s = logits.clone();
    int[] text = IntStream.concat(Arrays.stream(prompt), Arrays.stream(output)).toArray();
    for (int i = 0; i < s.length; i++) {
      int id = i;
      s[i] += p.logitBias().getOrDefault(i, 0.0).floatValue();
      float repetition = (float) p.repetitionPenalty();
      if (Arrays.stream(text).anyMatch(t -> t == id)) {
        s[i] = s[i] < 0 ? s[i] * repetition : s[i] / repetition;
      }
      long count = Arrays.stream(output).filter(t -> t == id).count();
      s[i] -= (float) p.frequencyPenalty() * count;
      s[i] -= count > 0 ? (float) p.presencePenalty() : 0;
      if (p.badWords().stream().anyMatch(word -> completes(word, text, id))) {
        s[i] = Float.NEGATIVE_INFINITY;
      }
      boolean ends = eosIds.contains(i) || p.stopTokenIds().contains(i);
      if (ends && output.length < p.minTokens()) {
        s[i] = Float.NEGATIVE_INFINITY;
      }
    }
    boolean[] may = new boolean[s.length];
    boolean some = false;
    for (int i = 0; i < s.length; i++) {
      may[i] = p.allowedTokenIds().isEmpty() || p.allowedTokenIds().contains(i);
      may[i] &= allowed.isEmpty() || allowed.get().get(i);
      some |= may[i] && s[i] > Float.NEGATIVE_INFINITY;
    }
    for (int i = 0; i < s.length; i++) {
      s[i] = !may[i] ? Float.NEGATIVE_INFINITY : some ? s[i] : 0;
    }
    return s;
  }

  private static boolean completes(int[] word, int[] text, int id) {
    int prefix = word.length - 1;
    return word[prefix] == id
        && prefix <= text.length
        && Arrays.equals(
            Arrays.copyOf(word, prefix),
            Arrays.copyOfRange(text, text.length - prefix, text.length));
  }

  /// Keeps the first ones as long as those before sum to less than `mass`, and with `ties` those
  /// equal to the last.
  private static void keepMass(float[] s, double mass, Comparator<Integer> order, boolean ties) {
    double[] q = softmax(s);
    List<Integer> sorted = new ArrayList<>();
    for (int i = 0; i < s.length; i++) {
      if (q[i] > 0) {
        sorted.add(i);
      }
    }
    // stable: lower ids first
    sorted.sort(order);
    boolean[] kept = new boolean[s.length];
    double before = 0;
    int last = -1;
    for (int i : sorted) {
      boolean tied = ties && last >= 0 && order.compare(last, i) == 0;
      if (last >= 0 && before >= mass && !tied) {
        break;
      }
      kept[i] = true;
      last = i;
      before += q[i];
    }
    keep(s, i -> kept[i]);
  }

  private static void keep(float[] s, IntPredicate kept) {
    boolean[] decided = new boolean[s.length];
    for (int i = 0; i < s.length; i++) {
      decided[i] = kept.test(i);
    }
    for (int i = 0; i < s.length; i++) {
      s[i] = decided[i] ? s[i] : Float.NEGATIVE_INFINITY;
    }
  }

  static double[] softmax(float[] s) {
    double max = IntStream.range(0, s.length).mapToDouble(i -> s[i]).max().orElseThrow();
    double[] q = IntStream.range(0, s.length).mapToDouble(i -> Math.exp(s[i] - max)).toArray();
    double total = Arrays.stream(q).sum();
    return Arrays.stream(q).map(v -> v / total).toArray();
  }
}
