package dev.yushan.generate;

import dev.yushan.model.ModelException;
import dev.yushan.random.CounterRandom;
import java.util.BitSet;
import java.util.Optional;

/// From logits to a token, on the host. The steps and their order are those of transformers: bias,
/// repetition penalty, frequency and presence penalty, bad words, least number of tokens, allowed
/// ids; then, for a random choice, temperature, top-k, top-p, min-p, typical-p, softmax, draw.
///
/// Equal logits are told apart by their ids where it matters (lower ids count as more probable), so
/// that the result is a pure function of the logits. Stateless: rows may be sampled by several
/// threads at a time. Nothing is computed that the choice does not need; what the model thinks of
/// it is asked of [LogProbabilities].
public final class Sampler {
  private static final long STREAM = 1;

  private Sampler() {}

  /// The token that follows.
  ///
  /// @param logits `[vocabSize]`, left as they are
  /// @param history what they follow; its number of generated tokens is the position in the random
  ///   stream
  /// @param params whose ids are known: see [SamplingParams#requireVocabulary]
  /// @param eosIds ids that end a text, which `minTokens` puts off
  /// @param allowed only these ids may be chosen: see [TokenConstraint.State#allowed]
  /// @throws ModelException if a logit is NaN or positive infinity, or all are negative infinity
  /// @throws IllegalArgumentException if the parameters leave no token to choose
  public static int next(
      float[] logits,
      TokenHistory history,
      SamplingParams params,
      Iterable<Integer> eosIds,
      Optional<BitSet> allowed) {
    RowMaxima row = row(logits, history, params, eosIds, allowed);
    return params.isGreedy()
        ? row.argmax()
        : candidates(row, params)
            .draw(CounterRandom.uniform(params.seed(), STREAM, history.generated()));
  }

  /// The distribution that the next token is drawn from, `[vocabSize]`; 0 for what is ruled out.
  /// Parameters and failures as for [#next].
  public static float[] probabilities(
      float[] logits,
      TokenHistory history,
      SamplingParams params,
      Iterable<Integer> eosIds,
      Optional<BitSet> allowed) {
    RowMaxima row = row(logits, history, params, eosIds, allowed);
    if (params.isGreedy()) {
      float[] certain = new float[logits.length];
      certain[row.argmax()] = 1;
      return certain;
    }
    return candidates(row, params).probabilities(logits.length);
  }

  private static RowMaxima row(
      float[] logits,
      TokenHistory history,
      SamplingParams params,
      Iterable<Integer> eosIds,
      Optional<BitSet> allowed) {
    RowMaxima raw = numbers(logits);
    float[] scores = LogitsProcessors.apply(logits, history, params, eosIds, allowed);
    RowMaxima row = scores == logits ? raw : RowMaxima.of(scores);
    if (!Float.isFinite(row.max() / temperature(params))) {
      throw new NoTokenLeftException(
          "allowed_token_ids, bad_words, logit_bias, penalties, temperature and the constraint leave no token to choose: the largest logit became %s; weaken them"
              .formatted(row.max()));
    }
    return row;
  }

  /// A row of logits that are numbers.
  static RowMaxima numbers(float[] logits) {
    RowMaxima row = RowMaxima.of(logits);
    if (!Float.isFinite(row.max())) {
      throw new ModelException(
          "the model's largest logit is %s: weights are damaged, or too large for their type; compare the model's files with where they came from"
              .formatted(row.max()));
    }
    return row;
  }

  private static float temperature(SamplingParams params) {
    return params.isGreedy() ? 1 : (float) params.temperature();
  }

  private static Candidates candidates(RowMaxima row, SamplingParams params) {
    float temperature = temperature(params);
    Candidates candidates = new Candidates(row, temperature, floor(row, params, temperature));
    if (params.topK() > 0) {
      candidates.keepTopK(params.topK());
    }
    if (params.topP() < 1) {
      candidates.keepTopP(params.topP());
    }
    if (params.minP() > 0) {
      candidates.keepMinP(params.minP());
    }
    if (params.typicalP() < 1) {
      candidates.keepTypical(params.typicalP());
    }
    return candidates;
  }

  /// What top-k and min-p rule out for certain, at no cost. Top-p needs the tokens that min-p would
  /// rule out, since they count in its sum.
  private static float floor(RowMaxima row, SamplingParams params, float temperature) {
    float floor = Float.NEGATIVE_INFINITY;
    if (params.topK() > 0) {
      floor = row.reachedBy(params.topK()) / temperature;
    }
    if (params.minP() > 0 && params.topP() == 1) {
      // a little lower than the exact limit, whose rounding is that of keepMinP
      double least = row.max() / temperature + Math.log(params.minP()) - 1e-3;
      floor = Math.max(floor, (float) least);
    }
    return floor;
  }
}
