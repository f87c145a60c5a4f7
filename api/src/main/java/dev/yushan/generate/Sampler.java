package dev.yushan.generate;

import dev.yushan.model.ModelException;
import dev.yushan.random.CounterRandom;
import java.util.Arrays;

/// From logits to a token, on the host. The steps and their order are those of transformers:
/// repetition penalty, temperature, top-k, top-p, min-p, softmax, draw.
///
/// Equal logits are told apart by their ids where it matters (lower ids count as more probable), so
/// that the result is a pure function of the logits.
public final class Sampler {
  private static final long STREAM = 1;

  private Sampler() {}

  /// A token, and the natural log of the model's own probability of it: before any penalty or
  /// temperature.
  public record Choice(int id, float logProbability) {}

  /// The token that follows.
  ///
  /// @param logits `[vocabSize]`
  /// @param seen the ids of the prompt and of what was generated
  /// @param step how many tokens were generated before: the position in the random stream
  /// @throws ModelException if a logit is NaN or positive infinity, or all are negative infinity
  public static Choice next(float[] logits, int[] seen, SamplingParams params, long step) {
    double logSumExp = logSumExp(logits);
    int id;
    if (params.temperature() > 0) {
      double uniform = CounterRandom.uniform(params.seed(), STREAM, step);
      id = draw(probabilities(logits, seen, params), uniform);
    } else {
      id = argmax(params.repetitionPenalty() == 1 ? logits : scores(logits, seen, params));
    }
    return new Choice(id, (float) (logits[id] - logSumExp));
  }

  /// The distribution the next token is drawn from, `[vocabSize]`; 0 for what is ruled out.
  public static float[] probabilities(float[] logits, int[] seen, SamplingParams params) {
    float[] scores = scores(logits, seen, params);
    keepTopK(scores, params.topK());
    keepTopP(scores, params.topP());
    keepMinP(scores, params.minP());
    return softmax(scores);
  }

  /// The logits after the repetition penalty (Keskar et al. 2019, each seen id once) and
  /// temperature.
  private static float[] scores(float[] logits, int[] seen, SamplingParams params) {
    float[] scores = logits.clone();
    float penalty = (float) params.repetitionPenalty();
    if (penalty != 1) {
      for (int id : Arrays.stream(seen).distinct().toArray()) {
        scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty;
      }
    }
    if (params.temperature() > 0) {
      float temperature = (float) params.temperature();
      for (int i = 0; i < scores.length; i++) {
        scores[i] /= temperature;
      }
    }
    return scores;
  }

  private static void keepTopK(float[] logits, int k) {
    if (k == 0 || k >= logits.length) {
      return;
    }
    float[] sorted = logits.clone();
    Arrays.sort(sorted);
    float threshold = sorted[sorted.length - k];
    for (int i = 0; i < logits.length; i++) {
      if (logits[i] < threshold) {
        logits[i] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  /// Rules out the least probable tokens as long as they sum to at most 1 − p (Holtzman et al.
  /// 2020); the most probable one stays.
  private static void keepTopP(float[] logits, double p) {
    if (p == 1) {
      return;
    }
    float[] probabilities = softmax(logits);
    int[] ascending = ascending(logits);
    double sum = 0;
    for (int i = 0; i < ascending.length - 1; i++) {
      sum += probabilities[ascending[i]];
      if (sum > 1 - p) {
        return;
      }
      logits[ascending[i]] = Float.NEGATIVE_INFINITY;
    }
  }

  private static void keepMinP(float[] logits, double minP) {
    if (minP == 0) {
      return;
    }
    float[] probabilities = softmax(logits);
    float threshold = (float) minP * max(probabilities);
    for (int i = 0; i < logits.length; i++) {
      if (probabilities[i] < threshold) {
        logits[i] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  /// Indices by ascending value; among equal ones the higher index first.
  private static int[] ascending(float[] values) {
    long[] keys = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      int bits = Float.floatToIntBits(values[i]);
      int ordered = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
      keys[i] = ((long) ordered << 32) | (Integer.MAX_VALUE - i);
    }
    Arrays.sort(keys);
    int[] indices = new int[values.length];
    for (int i = 0; i < keys.length; i++) {
      indices[i] = Integer.MAX_VALUE - (int) keys[i];
    }
    return indices;
  }

  /// Index of the largest value; the lowest of equal ones.
  private static int argmax(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  private static float[] softmax(float[] logits) {
    float max = max(logits);
    double[] exponentials = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      exponentials[i] = Math.exp((double) logits[i] - max);
      sum += exponentials[i];
    }
    float[] probabilities = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      probabilities[i] = (float) (exponentials[i] / sum);
    }
    return probabilities;
  }

  private static double logSumExp(float[] logits) {
    float max = max(logits);
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp((double) logit - max);
    }
    return max + Math.log(sum);
  }

  private static float max(float[] logits) {
    float max = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      // NaN, if there is one
      max = Math.max(max, logit);
    }
    if (!Float.isFinite(max)) {
      throw new ModelException(
          "the model's largest logit is %s: weights are damaged, or too large for their type; compare the model's files with where they came from"
              .formatted(max));
    }
    return max;
  }

  /// The first index at which the running sum passes `uniform` of the total.
  static int draw(float[] probabilities, double uniform) {
    double total = 0;
    for (float probability : probabilities) {
      total += probability;
    }
    double target = uniform * total;
    double sum = 0;
    int last = 0;
    for (int i = 0; i < probabilities.length; i++) {
      if (probabilities[i] > 0) {
        sum += probabilities[i];
        last = i;
        if (sum > target) {
          return i;
        }
      }
    }
    return last;
  }
}
