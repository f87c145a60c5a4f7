package dev.yushan.generate;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.Set;

/// What changes the logits whether or not the choice is random, in the order of transformers: bias,
/// penalties, bad words, the least number of tokens, allowed ids.
final class LogitsProcessors {
  private LogitsProcessors() {}

  /// The logits to choose by; `logits` itself where nothing changes them.
  static float[] apply(
      float[] logits,
      TokenHistory history,
      SamplingParams params,
      Iterable<Integer> eosIds,
      Optional<BitSet> allowed) {
    boolean early = history.generated() < params.minTokens();
    boolean penalised =
        params.repetitionPenalty() != 1
            || params.presencePenalty() != 0
            || params.frequencyPenalty() != 0;
    float[] scores = logits;
    if (early || penalised || !params.logitBias().isEmpty() || !params.badWords().isEmpty()) {
      scores = logits.clone();
      addBias(scores, params);
      if (penalised) {
        penalise(scores, history, params);
      }
      banWords(scores, history, params);
      if (early) {
        ruleOut(scores, eosIds);
        ruleOut(scores, params.stopTokenIds());
      }
    }
    Optional<BitSet> mask = mask(params.allowedTokenIds(), allowed);
    return mask.isPresent() ? masked(scores, mask.get()) : scores;
  }

  private static void addBias(float[] scores, SamplingParams params) {
    params.logitBias().forEach((id, bias) -> scores[id] += bias.floatValue());
  }

  /// Repetition (Keskar et al. 2019) over prompt and output, then frequency and presence (OpenAI)
  /// over the output.
  private static void penalise(float[] scores, TokenHistory history, SamplingParams params) {
    float repetition = (float) params.repetitionPenalty();
    float frequency = (float) params.frequencyPenalty();
    float presence = (float) params.presencePenalty();
    history.forEachDistinct(
        (id, generated) -> {
          float score = scores[id];
          score = score < 0 ? score * repetition : score / repetition;
          if (generated > 0) {
            score = score - frequency * generated - presence;
          }
          scores[id] = score;
        });
  }

  /// Rules out each id that would complete a bad word.
  private static void banWords(float[] scores, TokenHistory history, SamplingParams params) {
    for (int[] word : params.badWords()) {
      int last = word.length - 1;
      if (history.endsWith(word, last)) {
        scores[word[last]] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  private static void ruleOut(float[] scores, Iterable<Integer> ids) {
    for (int id : ids) {
      // a model may end its texts with ids that it has no rows for, and never makes
      if (id < scores.length) {
        scores[id] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  private static Optional<BitSet> mask(Set<Integer> ids, Optional<BitSet> allowed) {
    if (ids.isEmpty()) {
      return allowed;
    }
    BitSet mask = new BitSet();
    ids.forEach(mask::set);
    allowed.ifPresent(mask::and);
    return Optional.of(mask);
  }

  /// Only what the mask allows. Where all of that is ruled out already it is equally probable, so
  /// that a mask is never violated (as in transformers).
  private static float[] masked(float[] scores, BitSet mask) {
    float[] masked = new float[scores.length];
    Arrays.fill(masked, Float.NEGATIVE_INFINITY);
    boolean possible = false;
    int from = mask.nextSetBit(0);
    while (from >= 0 && from < scores.length) {
      int to = Math.min(mask.nextClearBit(from), scores.length);
      for (int id = from; id < to; id++) {
        masked[id] = scores[id];
        possible |= scores[id] > Float.NEGATIVE_INFINITY;
      }
      from = mask.nextSetBit(to);
    }
    if (!possible) {
      mask.stream().filter(id -> id < scores.length).forEach(id -> masked[id] = 0);
    }
    return masked;
  }
}
