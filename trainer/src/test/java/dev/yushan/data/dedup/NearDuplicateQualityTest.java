package dev.yushan.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// How many near duplicates are found, against the curve and against all pairs.
class NearDuplicateQualityTest {
  private static final int PAIRS = 300;

  /// By Chernoff's bound a mean of n draws of probability p is at x or further from p with a
  /// probability of at most 2·exp(−n·KL(x, p)). Below this n·KL is what happens in all but one of
  /// 1000 draws; a row more or less in a band is above it.
  private static final double BOUND = Math.log(2e3);

  /// Pairs of each similarity, shuffled, the threshold at the least of them: found is what was
  /// compared.
  @Test
  void recallIsThatOfTheCurveAndPrecisionIsOne() {
    long seed = 20251126;
    System.out.println("seed " + seed);
    DedupConfig config = with(0.5);
    Corpus corpus = Corpus.planted(new Random(seed));
    Decisions decisions = Corpus.decide(corpus.texts, config, 2);
    TreeMap<Planted, Integer> found = new TreeMap<>();
    for (int d = 0; d < decisions.size(); d++) {
      if (decisions.get(d) instanceof Decision.Near(int of, double jaccard)) {
        assertThat(corpus.twin[d]).isEqualTo(of);
        assertThat(jaccard).isEqualTo(corpus.level[d].jaccard());
        found.merge(corpus.level[d], 1, Integer::sum);
      }
    }
    for (Planted level : Planted.values()) {
      double expected = config.candidateProbability(level.jaccard());
      double recall = found.getOrDefault(level, 0) / (double) PAIRS;
      System.out.printf("%s: found %.3f, curve %.3f%n", level, recall, expected);
      assertThat(PAIRS * divergence(recall, expected)).as("%s", level).isLessThan(BOUND);
    }
  }

  /// With the threshold in the middle, none below it is removed: verification is exact.
  @Test
  void nothingBelowTheThresholdIsRemoved() {
    Corpus corpus = Corpus.planted(new Random(7));
    Decisions decisions = Corpus.decide(corpus.texts, with(0.8), 2);
    int removed = 0;
    for (int d = 0; d < decisions.size(); d++) {
      if (!decisions.isKept(d)) {
        removed++;
        assertThat(corpus.level[d].jaccard()).isGreaterThanOrEqualTo(0.8);
      }
    }
    assertThat(removed).isGreaterThan(3 * PAIRS).isLessThanOrEqualTo(4 * PAIRS);
  }

  /// Every pair of the 444 laws compared. Of those above the threshold, the curve says how many are
  /// compared; a removed law is one of a pair.
  @Test
  void allPairsOfTheLawsHeldOut() {
    List<String> laws = Corpora.laws("tw-laws-valid.parquet");
    Signer signer = new Signer(DedupConfig.DEFAULTS);
    List<long[]> sets = laws.stream().map(signer::shingles).toList();
    List<long[]> keys = laws.stream().map(law -> signer.sign(law).bandKeys()).toList();
    double expected = 0;
    double variance = 0;
    int pairs = 0;
    int compared = 0;
    int similar = 0;
    int similarCompared = 0;
    for (int a = 0; a < laws.size(); a++) {
      for (int b = a + 1; b < laws.size(); b++) {
        double jaccard = jaccardAtLeast(0.5, sets.get(a), sets.get(b));
        if (jaccard >= 0.5) {
          double p = DedupConfig.DEFAULTS.candidateProbability(jaccard);
          expected += p;
          variance += p * (1 - p);
          pairs++;
          boolean shared = shareABand(keys.get(a), keys.get(b));
          compared += shared ? 1 : 0;
          similar += jaccard >= 0.8 ? 1 : 0;
          similarCompared += jaccard >= 0.8 && shared ? 1 : 0;
        }
      }
    }
    System.out.printf(
        "%d pairs at 0.5 or above, %d compared, the curve says %.1f ± %.1f%n",
        pairs, compared, expected, Math.sqrt(variance));
    // the pairs that datasketch verifies in the same texts
    assertThat(similar).isEqualTo(4);
    assertThat(similarCompared).isEqualTo(4);
    // Bernstein: P(|X − E| ≥ t) ≤ 2·exp(−t² / (2·variance + 2t/3)), below 1e-3 at this t for
    // pairs that are independent; those of one family are not quite
    double t = BOUND / 3 + Math.sqrt(BOUND * BOUND / 9 + 2 * variance * BOUND);
    assertThat(Math.abs(compared - expected)).isLessThan(t);
    removedLawsAreNearKeptOnes(laws, sets);
  }

  /// The similarity, or 0 where the sizes alone say that it is less than `least`.
  private static double jaccardAtLeast(double least, long[] a, long[] b) {
    boolean possible = Math.min(a.length, b.length) >= least * Math.max(a.length, b.length);
    return possible ? Shingles.jaccard(a, b) : 0;
  }

  private static void removedLawsAreNearKeptOnes(List<String> laws, List<long[]> sets) {
    Decisions decisions = Corpus.decide(laws, DedupConfig.DEFAULTS, 2);
    System.out.println(decisions.counts());
    assertThat(decisions.counts().unrepresented()).isZero();
    for (int d = 0; d < laws.size(); d++) {
      if (decisions.get(d) instanceof Decision.Near(int of, double jaccard)) {
        assertThat(decisions.isKept(of)).isTrue();
        assertThat(of).isLessThan(d);
        assertThat(Shingles.jaccard(sets.get(of), sets.get(d))).isEqualTo(jaccard);
        assertThat(jaccard).isGreaterThanOrEqualTo(0.8);
      }
    }
  }

  private static boolean shareABand(long[] a, long[] b) {
    for (int band = 0; band < a.length; band++) {
      if (a[band] == b[band]) {
        return true;
      }
    }
    return false;
  }

  private static DedupConfig with(double threshold) {
    return new DedupConfig(true, true, Normalization.DEFAULTS, 5, 14, 8, threshold, 32);
  }

  private static double divergence(double x, double p) {
    return term(x, p) + term(1 - x, 1 - p);
  }

  private static double term(double x, double p) {
    return x == 0 ? 0 : x * Math.log(x / p);
  }

  /// @param level of each document the similarity to its twin
  private record Corpus(List<String> texts, int[] twin, Planted[] level) {
    static Corpus planted(Random random) {
      List<Integer> order = new ArrayList<>();
      int documents = 2 * PAIRS * Planted.values().length;
      for (int i = 0; i < documents; i++) {
        order.add(i);
      }
      java.util.Collections.shuffle(order, random);
      String[] texts = new String[documents];
      int[] twin = new int[documents];
      Planted[] level = new Planted[documents];
      for (int p = 0; p < documents / 2; p++) {
        int a = order.get(2 * p);
        int b = order.get(2 * p + 1);
        level[a] = level[b] = Planted.values()[p % Planted.values().length];
        String[] pair = level[a].pair(random);
        texts[a] = pair[0];
        texts[b] = pair[1];
        twin[a] = b;
        twin[b] = a;
      }
      return new Corpus(Arrays.asList(texts), twin, level);
    }

    static Decisions decide(List<String> texts, DedupConfig config, int threads) {
      Signer signer = new Signer(config);
      Signatures signatures = new Signatures(config);
      texts.forEach(text -> signatures.add(signer.sign(text)));
      return Dedup.decide(signatures, texts::get, config, threads);
    }
  }
}
