package dev.yushan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.generate.LogProbabilities.Ranked;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The sampler against its definition ([SlowSampling]) on random rows, texts and parameters, and
/// what must hold of every choice.
class SamplerPropertiesTest {
  private static final List<Integer> EOS = List.of(5, 17);

  private long seed;

  @BeforeEach
  void drawSeed() {
    seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed " + seed + "; repeat it with -Dseed=" + seed);
  }

  /// A row, what it follows, and how to choose.
  private record Case(
      float[] logits, int[] prompt, int[] output, SamplingParams params, Optional<BitSet> allowed) {
    TokenHistory history() {
      TokenHistory history = new TokenHistory(prompt);
      for (int id : output) {
        history.add(id);
      }
      return history;
    }

    float[] probabilities() {
      return Sampler.probabilities(logits, history(), params, EOS, allowed);
    }

    int next() {
      return Sampler.next(logits, history(), params, EOS, allowed);
    }
  }

  private static Case draw(Random random) {
    int[] sizes = {37, 256, 257, 1000, 3001, 5000};
    int vocabSize = sizes[random.nextInt(sizes.length)];
    float[] logits = new float[vocabSize];
    double spread = Math.pow(10, 2 * random.nextDouble() - 1);
    // every third row has many equal logits, every fourth some that are ruled out
    boolean ties = random.nextInt(3) == 0;
    boolean holes = random.nextInt(4) == 0;
    for (int i = 0; i < vocabSize; i++) {
      double value = spread * random.nextGaussian();
      // rint, unlike round, gives −0 too
      logits[i] = (float) (ties ? Math.rint(value) : value);
      if (holes && random.nextInt(5) == 0) {
        logits[i] = Float.NEGATIVE_INFINITY;
      }
    }
    int[] prompt = ids(random, random.nextInt(30), vocabSize);
    int[] output = ids(random, random.nextInt(30), vocabSize);
    return new Case(
        logits, prompt, output, params(random, vocabSize, output), mask(random, vocabSize));
  }

  /// Ids of few different tokens, so that some come again.
  private static int[] ids(Random random, int count, int vocabSize) {
    return random.ints(count, 0, Math.min(vocabSize, 40)).toArray();
  }

  private static Optional<BitSet> mask(Random random, int vocabSize) {
    if (random.nextInt(3) > 0) {
      return Optional.empty();
    }
    BitSet mask = new BitSet();
    double share = random.nextBoolean() ? 0.9 : 0.02;
    for (int i = 0; i < vocabSize; i++) {
      mask.set(i, random.nextDouble() < share);
    }
    mask.set(random.nextInt(Math.min(20, vocabSize)));
    return Optional.of(mask);
  }

  private static boolean sometimes(Random random) {
    return random.nextInt(3) == 0;
  }

  private static SamplingParams params(Random random, int vocabSize, int[] output) {
    SamplingParams.Builder params = SamplingParams.builder().seed(random.nextLong()).maxTokens(99);
    if (sometimes(random)) {
      params.temperature(0.2 + 2 * random.nextDouble());
    }
    if (sometimes(random)) {
      params.topK(1 + random.nextInt(random.nextBoolean() ? 10 : vocabSize + 5));
    }
    if (sometimes(random)) {
      params.topP(1 - random.nextDouble());
    }
    if (sometimes(random)) {
      params.minP(random.nextDouble() * random.nextDouble());
    }
    if (sometimes(random)) {
      params.typicalP(1 - random.nextDouble());
    }
    if (sometimes(random)) {
      params.repetitionPenalty(0.5 + random.nextDouble());
    }
    if (sometimes(random)) {
      params.presencePenalty(4 * random.nextDouble() - 2);
    }
    if (sometimes(random)) {
      params.frequencyPenalty(4 * random.nextDouble() - 2);
    }
    if (sometimes(random)) {
      params.logitBias(
          Map.of(3, 200 * random.nextDouble() - 100, vocabSize - 1, 2 * random.nextDouble()));
    }
    if (sometimes(random)) {
      params.badWords(words(random, output));
    }
    if (sometimes(random)) {
      params
          .minTokens(random.nextInt(40))
          .stopTokenIds(Set.of(7, 8 + random.nextInt(vocabSize - 8)));
    }
    if (random.nextInt(6) == 0) {
      Set<Integer> allowed = new TreeSet<>();
      IntStream.range(0, 20).forEach(i -> allowed.add(i));
      params.allowedTokenIds(allowed);
    }
    return params.build();
  }

  /// Some that the text has begun, and some that it has not.
  private static List<int[]> words(Random random, int[] output) {
    List<int[]> words = new ArrayList<>();
    words.add(ids(random, 1, 37));
    words.add(ids(random, 2, 37));
    for (int length = 1; length <= Math.min(3, output.length); length++) {
      int[] word = Arrays.copyOfRange(output, output.length - length, output.length + 1);
      word[length] = random.nextInt(37);
      words.add(word);
    }
    return words;
  }

  @Test
  void equalsItsDefinition() {
    Random random = new Random(seed);
    int restricted = 0;
    for (int round = 0; round < 150; round++) {
      Case c = draw(random);
      double[] expected =
          SlowSampling.probabilities(c.logits, c.prompt, c.output, c.params, EOS, c.allowed);
      float[] actual = c.probabilities();
      for (int i = 0; i < actual.length; i++) {
        float wanted = (float) expected[i];
        // an assertion a token takes seconds
        if (Math.abs(actual[i] - wanted) > 1e-6f || actual[i] > 0 != wanted > 0) {
          fail("round %d, token %d: %s, not %s; %s", round, i, actual[i], wanted, c.params);
        }
        restricted += wanted == 0 ? 1 : 0;
      }
    }
    assertThat(restricted).isPositive();
  }

  @Test
  void greedyTakesTheLargestAfterTheProcessors() {
    Random random = new Random(seed);
    for (int round = 0; round < 150; round++) {
      Case drawn = draw(random);
      Case c =
          new Case(
              drawn.logits,
              drawn.prompt,
              drawn.output,
              drawn.params.toBuilder().temperature(0).build(),
              drawn.allowed);
      float[] scores =
          SlowSampling.processed(c.logits, c.prompt, c.output, c.params, EOS, c.allowed);
      int best = 0;
      for (int i = 0; i < scores.length; i++) {
        best = scores[i] > scores[best] ? i : best;
      }
      assertThat(c.next()).as("round %d, %s", round, c.params).isEqualTo(best);
      assertThat(c.probabilities()[best]).isEqualTo(1);
    }
  }

  @Test
  void masksAreNeverViolatedAndOnlyPossibleTokensDrawn() {
    Random random = new Random(seed);
    int masked = 0;
    for (int round = 0; round < 600; round++) {
      Case c = draw(random);
      int id = c.next();
      assertThat(c.probabilities()[id]).as("round %d, %s", round, c.params).isPositive();
      if (c.allowed.isPresent()) {
        assertThat(c.allowed.get().get(id)).as("round %d, %s", round, c.params).isTrue();
        masked++;
      }
      if (!c.params.allowedTokenIds().isEmpty()) {
        assertThat(c.params.allowedTokenIds()).contains(id);
      }
    }
    assertThat(masked).isGreaterThan(50);
  }

  @Test
  void aChoiceDependsOnlyOnItsRow() {
    Random random = new Random(seed);
    List<Case> cases = IntStream.range(0, 200).mapToObj(i -> draw(random)).toList();
    List<Integer> alone = cases.stream().map(Case::next).toList();
    assertThat(cases.stream().map(Case::next).toList()).isEqualTo(alone);
    assertThat(cases.parallelStream().map(Case::next).toList()).isEqualTo(alone);
  }

  @Test
  void nothingEndsTheTextBeforeTheLeastNumberOfTokens() {
    Random random = new Random(seed);
    SamplingParams params =
        SamplingParams.builder()
            .seed(seed)
            .maxTokens(99)
            .minTokens(20)
            .stopTokenIds(Set.of(9))
            .logitBias(Map.of(5, 50.0, 9, 50.0, 17, 50.0))
            .build();
    float[] logits = new float[40];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian();
    }
    TokenHistory history = new TokenHistory(1, 2, 3);
    while (history.generated() < 20) {
      int id = Sampler.next(logits, history, params, EOS, Optional.empty());
      assertThat(id).isNotIn(5, 17, 9);
      history.add(id);
    }
    assertThat(Sampler.next(logits, history, params, EOS, Optional.empty())).isIn(5, 17, 9);
  }

  @Test
  void badWordsOfSeveralTokensNeverAppear() {
    Random random = new Random(seed);
    List<int[]> words =
        List.of(new int[] {1}, new int[] {2, 3}, new int[] {3, 2, 3}, new int[] {4, 4, 4, 4});
    SamplingParams params =
        SamplingParams.builder().seed(seed).badWords(words).temperature(1.5).build();
    // the prompt has begun a word
    TokenHistory history = new TokenHistory(4, 4, 4);
    for (int step = 0; step < 3000; step++) {
      float[] logits = new float[6];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (float) random.nextGaussian();
      }
      history.add(Sampler.next(logits, history, params, EOS, Optional.empty()));
    }
    String text =
        Arrays.stream(history.output()).mapToObj(String::valueOf).collect(Collectors.joining());
    assertThat(text).doesNotStartWith("4");
    assertThat(text).doesNotContain("1", "23", "4444").contains("444", "32", "2", "3");
  }

  @Test
  void logProbabilitiesAndRanksAreThoseOfAFullSort() {
    Random random = new Random(seed);
    for (int round = 0; round < 100; round++) {
      float[] logits = draw(random).logits;
      double[] q = SlowSampling.softmax(logits);
      List<Integer> sorted =
          IntStream.range(0, logits.length)
              .boxed()
              .sorted(Comparator.comparingDouble(i -> 0 - logits[i]))
              .toList();
      LogProbabilities row = LogProbabilities.of(logits);
      for (int k : new int[] {0, 1, 5, 20, 700, logits.length + 1}) {
        List<Ranked> top = row.top(k);
        assertThat(top).hasSize(Math.min(k, logits.length));
        for (int i = 0; i < top.size(); i++) {
          assertThat(top.get(i).id()).as("round %d, place %d", round, i).isEqualTo(sorted.get(i));
          assertThat(top.get(i).rank()).isEqualTo(i + 1);
          assertThat(Math.exp(top.get(i).logProbability()))
              .isCloseTo(q[sorted.get(i)], within(1e-6));
        }
      }
      int id = random.nextInt(logits.length);
      assertThat(row.ranked(id)).isEqualTo(row.top(logits.length).get(sorted.indexOf(id)));
      assertThat(row.of(id)).isEqualTo(row.ranked(id).logProbability());
    }
  }

  @Test
  void theExponentialIsThatOfTheLibrary() {
    Random random = new Random(seed);
    for (int round = 0; round < 50_000; round++) {
      double x = -750 * Math.pow(random.nextDouble(), 1 + random.nextInt(9));
      double expected = x < -708 ? 0 : StrictMath.exp(x);
      // ours is within two units in the last place, and fdlibm's within one
      assertThat(Exponential.exp(x)).isCloseTo(expected, within(3 * Math.ulp(expected)));
    }
    assertThat(Exponential.exp(0)).isEqualTo(1);
    assertThat(Exponential.exp(-0.0)).isEqualTo(1);
    assertThat(Exponential.exp(Double.NEGATIVE_INFINITY)).isZero();
  }

  @Test
  void countsAreThoseOfTheText() {
    Random random = new Random(seed);
    for (int round = 0; round < 50; round++) {
      int[] prompt = random.ints(random.nextInt(500), 0, 300).toArray();
      TokenHistory history = new TokenHistory(prompt);
      Map<Integer, Integer> counts = new TreeMap<>();
      Arrays.stream(prompt).forEach(id -> counts.put(id, 0));
      for (int i = random.nextInt(500); i > 0; i--) {
        int id = random.nextInt(128_256);
        history.add(id);
        counts.merge(id, 1, Integer::sum);
        if (i % 97 == 0) {
          Map<Integer, Integer> actual = new TreeMap<>();
          history.forEachDistinct(
              (token, generated) -> actual.merge(token, generated, (a, b) -> -1));
          assertThat(actual).isEqualTo(counts);
        }
      }
      assertThat(history.length()).isEqualTo(prompt.length + history.output().length);
    }
  }
}
