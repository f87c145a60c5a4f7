package dev.yushan.engine;

import dev.yushan.generate.LogProbabilities;
import java.util.List;

/// How probable the model found a token: natural logs, before any penalty or temperature.
///
/// @param logProbability NaN if no scores were asked for
/// @param rank 1 for the most probable; 0 if no scores were asked for
/// @param top the most probable tokens, in descending order, each without a `top` of its own
public record TokenScore(int id, float logProbability, int rank, List<TokenScore> top) {
  /// @param logits `[vocabSize]`
  /// @param top how many of the most probable tokens
  static TokenScore of(float[] logits, int id, int top) {
    LogProbabilities probabilities = LogProbabilities.of(logits);
    LogProbabilities.Ranked own = probabilities.ranked(id);
    List<TokenScore> best =
        top == 0
            ? List.of()
            : probabilities.top(top).stream()
                .map(one -> new TokenScore(one.id(), one.logProbability(), one.rank(), List.of()))
                .toList();
    return new TokenScore(id, own.logProbability(), own.rank(), best);
  }

  static TokenScore unscored(int id) {
    return new TokenScore(id, Float.NaN, 0, List.of());
  }
}
