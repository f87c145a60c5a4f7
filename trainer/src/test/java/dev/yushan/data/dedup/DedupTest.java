package dev.yushan.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.data.DataException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is removed for what: against a plain reference, for any number of threads and any cut.
class DedupTest {
  private static final DedupConfig CONFIG = DedupConfig.DEFAULTS;

  @TempDir Path directory;

  @Test
  void theFirstOfTheSameTextStays() {
    String law = "第一條　本法依憲法第八十六條制定之。ABC";
    assertThat(decide(List.of("甲乙丙", law, "第一條 本法依憲法第八十六條制定之，abc", "甲乙丁", "甲乙丙")))
        .containsExactly(kept(), kept(), new Decision.Exact(1), kept(), new Decision.Exact(0));
  }

  @Test
  void whatIsComparedIsConfigured() {
    List<String> texts = List.of("Ab 1", "ab 1", "Ａb 1", "Ab1", "Ab, 1");
    assertThat(keptOf(texts, new Normalization(false, false, false, false))).isEqualTo(5);
    assertThat(keptOf(texts, new Normalization(true, false, false, false))).isEqualTo(4);
    assertThat(keptOf(texts, new Normalization(false, true, false, false))).isEqualTo(4);
    assertThat(keptOf(texts, new Normalization(false, false, true, false))).isEqualTo(4);
    assertThat(keptOf(texts, new Normalization(false, false, false, true))).isEqualTo(4);
    assertThat(keptOf(texts, Normalization.DEFAULTS)).isEqualTo(1);
  }

  private static long keptOf(List<String> texts, Normalization normalization) {
    DedupConfig config = new DedupConfig(true, false, normalization, 5, 14, 8, 0.8, 32);
    return decisions(texts, config, 1).counts().kept();
  }

  @Test
  void textsWithoutLettersAreNoDuplicatesOfOneAnother() {
    assertThat(decide(List.of("?!", "…", "?!", "")))
        .containsExactly(kept(), kept(), new Decision.Exact(0), kept());
  }

  /// B is like A, C like B but not like A: C stays, since B does not.
  @Test
  void similarityIsToWhatStays() {
    Random random = new Random(3);
    String a = Planted.han(random, 304);
    String b = changed(a, random, 10, 6);
    String c = changed(b, random, 15, 6);
    DedupConfig config = withBands(60, 0.75, 32);
    Decisions decisions = decisions(List.of(a, b, c, b + "！"), config, 1);
    assertThat(decisions.get(1)).isEqualTo(new Decision.Near(0, 270 / 330.0));
    assertThat(decisions.get(2)).isEqualTo(kept());
    // an exact duplicate of what is removed goes with it
    assertThat(decisions.get(3)).isEqualTo(new Decision.Near(0, 270 / 330.0));
    assertThat(decisions.clusters(9))
        .containsExactly(
            new Cluster(
                0,
                List.of(
                    new Cluster.Removed(1, decisions.get(1)),
                    new Cluster.Removed(3, decisions.get(3)))));
  }

  /// Changes one character of every 40, `count` of them, from place `from` on.
  private static String changed(String text, Random random, int from, int count) {
    StringBuilder changed = new StringBuilder(text);
    for (int i = 0; i < count; i++) {
      changed.setCharAt(from + 40 * i, Planted.han(random, 1).charAt(0));
    }
    return changed.toString();
  }

  @Test
  void decidesAsThePlainReferenceWithAnyThreadsAndRepresentatives() {
    long seed = 11;
    System.out.println("seed " + seed);
    List<String> texts = families(new Random(seed), 3000);
    for (int most : new int[] {1, 3, 1000}) {
      DedupConfig config = withBands(14, 0.8, most);
      List<Decision> expected = reference(texts, config);
      for (int threads : new int[] {1, 2, 5}) {
        Decisions decisions = decisions(texts, config, threads);
        assertThat(list(decisions)).isEqualTo(expected);
        assertThat(decisions.counts().unrepresented() == 0).isEqualTo(most == 1000);
        assertThat(decisions.counts().near()).isGreaterThan(500);
        assertThat(decisions.counts().exact()).isGreaterThan(100);
      }
    }
  }

  @Test
  void decidesTheSameForAnyCutIntoFiles() {
    long seed = 12;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    List<String> texts = families(random, 600);
    Signer signer = new Signer(CONFIG);
    List<Decision> expected = decide(texts);
    for (int cut = 0; cut < 5; cut++) {
      Signatures all = new Signatures(CONFIG);
      for (int from = 0; from < texts.size(); ) {
        int to = Math.min(texts.size(), from + random.nextInt(200));
        Path file = directory.resolve(cut + "-" + from + "-" + to);
        Signatures shard = new Signatures(CONFIG);
        texts.subList(from, to).forEach(text -> shard.add(signer.sign(text)));
        shard.write(file);
        all.addAll(file);
        from = to;
      }
      assertThat(list(Dedup.decide(all, texts::get, CONFIG, 2))).isEqualTo(expected);
    }
  }

  /// A boilerplate that all share and that nothing is removed for: the bound keeps it linear.
  @Test
  void oneGreatBucketIsNotComparedInPairs() {
    GeneratedCorpus corpus = new GeneratedCorpus(5);
    List<String> texts =
        IntStream.range(0, 40_000)
            .filter(d -> corpus.kind(d) == GeneratedCorpus.Kind.FAMILY)
            .mapToObj(corpus::text)
            .toList();
    DedupCounts counts = decisions(texts, CONFIG, 2).counts();
    assertThat(counts.kept()).isEqualTo(texts.size());
    assertThat(counts.unrepresented()).isPositive();
    assertThat(counts.verified()).isLessThan(14L * 32 * texts.size());
  }

  @Test
  void whatTheLookupThrowsIsThrown() {
    List<String> texts = List.of("玉山".repeat(20), "玉山".repeat(30));
    Signatures signatures = signatures(texts, CONFIG);
    assertThatThrownBy(
            () ->
                Dedup.decide(
                    signatures,
                    d -> {
                      throw new DataException("shard " + d + " is gone");
                    },
                    CONFIG,
                    2))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("is gone");
  }

  @Test
  void signaturesOfOtherSettingsAreRefused() {
    Signatures signatures = new Signatures(CONFIG);
    assertThatThrownBy(() -> Dedup.decide(signatures, d -> "", withBands(15, 0.8, 32), 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("bands 15")
        .hasMessageContaining("sign the documents again");
    assertThat(decide(List.of())).isEmpty();
  }

  @Test
  void valuesThatAreNotAllowedAreNamed() {
    assertThatThrownBy(() -> withBands(14, 1.5, 32)).hasMessageContaining("threshold: 1.5");
    assertThatThrownBy(() -> withBands(0, 0.8, 32)).hasMessageContaining("bands: 0");
    assertThatThrownBy(() -> withBands(14, 0.8, 0)).hasMessageContaining("max_representatives: 0");
  }

  /// Texts of a few families whose members differ in 1 … 8 of 200 characters, some of them equal.
  private static List<String> families(Random random, int count) {
    List<String> heads = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      heads.add(Planted.han(random, 200));
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (i > 0 && random.nextInt(10) == 0) {
        texts.add(texts.get(random.nextInt(i)));
        continue;
      }
      StringBuilder text = new StringBuilder(heads.get(random.nextInt(heads.size())));
      for (int c = 1 + random.nextInt(8); c > 0; c--) {
        text.setCharAt(random.nextInt(200), Planted.han(random, 1).charAt(0));
      }
      texts.add(text.toString());
    }
    return texts;
  }

  /// One document after the other, with maps of lists.
  private static List<Decision> reference(List<String> texts, DedupConfig config) {
    Signer signer = new Signer(config);
    Map<List<Long>, Integer> firsts = new HashMap<>();
    Map<List<Long>, List<Integer>> buckets = new HashMap<>();
    List<Decision> decisions = new ArrayList<>();
    for (int d = 0; d < texts.size(); d++) {
      Signature signature = signer.sign(texts.get(d));
      Integer first = firsts.putIfAbsent(List.of(signature.hashHigh(), signature.hashLow()), d);
      if (first != null) {
        Decision of = decisions.get(first);
        decisions.add(of instanceof Decision.Kept ? new Decision.Exact(first) : of);
        continue;
      }
      TreeSet<Integer> candidates = new TreeSet<>();
      List<List<Integer>> own = new ArrayList<>();
      for (int band = 0; band < config.bands(); band++) {
        List<Long> key = List.of((long) band, signature.bandKeys()[band]);
        own.add(buckets.computeIfAbsent(key, k -> new ArrayList<>()));
        candidates.addAll(own.getLast());
      }
      Decision decision = kept();
      for (int candidate : candidates) {
        double jaccard =
            Shingles.jaccard(signer.shingles(texts.get(candidate)), signer.shingles(texts.get(d)));
        if (decision instanceof Decision.Kept && jaccard >= config.threshold()) {
          decision = new Decision.Near(candidate, jaccard);
        }
      }
      decisions.add(decision);
      for (List<Integer> bucket : own) {
        if (decision instanceof Decision.Kept && bucket.size() < config.maxRepresentatives()) {
          bucket.add(d);
        }
      }
    }
    return decisions;
  }

  private static DedupConfig withBands(int bands, double threshold, int most) {
    return new DedupConfig(true, true, Normalization.DEFAULTS, 5, bands, 8, threshold, most);
  }

  private static Signatures signatures(List<String> texts, DedupConfig config) {
    Signer signer = new Signer(config);
    Signatures signatures = new Signatures(config);
    texts.forEach(text -> signatures.add(signer.sign(text)));
    return signatures;
  }

  private static Decisions decisions(List<String> texts, DedupConfig config, int threads) {
    return Dedup.decide(signatures(texts, config), texts::get, config, threads);
  }

  private static List<Decision> decide(List<String> texts) {
    return list(decisions(texts, CONFIG, 2));
  }

  private static List<Decision> list(Decisions decisions) {
    return IntStream.range(0, decisions.size()).mapToObj(decisions::get).toList();
  }

  private static Decision kept() {
    return new Decision.Kept();
  }
}
