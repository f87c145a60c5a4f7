package dev.yushan.engine;

import java.util.ArrayList;
import java.util.List;

/// How probable tokens are by the model's own logits.
final class Scores {
  private Scores() {}

  /// The score of a token, with the most probable ones.
  ///
  /// @param logits `[vocabSize]`
  static TokenScore of(float[] logits, int id, int top) {
    double logSumExp = logSumExp(logits);
    int rank = 1;
    for (int i = 0; i < logits.length; i++) {
      if (logits[i] > logits[id] || (logits[i] == logits[id] && i < id)) {
        rank++;
      }
    }
    return new TokenScore(
        id,
        (float) (logits[id] - logSumExp),
        rank,
        top == 0 ? List.of() : top(logits, top, logSumExp));
  }

  private static double logSumExp(float[] logits) {
    float max = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - max);
    }
    return max + Math.log(sum);
  }

  private static List<TokenScore> top(float[] logits, int count, double logSumExp) {
    int[] best = new int[count];
    int size = 0;
    for (int i = 0; i < logits.length; i++) {
      if (size == count && logits[i] <= logits[best[size - 1]]) {
        continue;
      }
      int at = size < count ? size++ : size - 1;
      for (; at > 0 && logits[best[at - 1]] < logits[i]; at--) {
        best[at] = best[at - 1];
      }
      best[at] = i;
    }
    List<TokenScore> scores = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      float logProbability = (float) (logits[best[i]] - logSumExp);
      scores.add(new TokenScore(best[i], logProbability, i + 1, List.of()));
    }
    return scores;
  }
}
