package dev.yushan.generate;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// How probable the model itself finds tokens: natural logs of the softmax of a row of logits,
/// before any penalty or temperature. Of equally probable tokens the lower id comes first.
public final class LogProbabilities {
  private final RowMaxima row;
  private final double logSumExp;

  /// A token among all of a row.
  ///
  /// @param rank 1 for the most probable
  public record Ranked(int id, float logProbability, int rank) {}

  private LogProbabilities(RowMaxima row, double logSumExp) {
    this.row = row;
    this.logSumExp = logSumExp;
  }

  /// Those of a row, which must not change as long as this is used.
  ///
  /// @param logits `[vocabSize]`
  /// @throws dev.yushan.model.ModelException if a logit is NaN or positive infinity, or all are
  ///   negative infinity
  public static LogProbabilities of(float[] logits) {
    RowMaxima row = Sampler.numbers(logits);
    double sum = 0;
    for (float logit : logits) {
      sum += Exponential.exp((double) logit - row.max());
    }
    return new LogProbabilities(row, row.max() + Math.log(sum));
  }

  /// The log-probability of a token.
  public float of(int id) {
    return (float) (row.logits()[id] - logSumExp);
  }

  /// A token with its rank, for which all others are looked at.
  public Ranked ranked(int id) {
    float[] logits = row.logits();
    float own = logits[id];
    int before = 0;
    for (int other = 0; other < logits.length; other++) {
      before += logits[other] > own ? 1 : 0;
    }
    for (int other = 0; other < id; other++) {
      before += logits[other] == own ? 1 : 0;
    }
    return new Ranked(id, of(id), before + 1);
  }

  /// The `k` most probable tokens, the most probable first; all if there are fewer. Cheap up to a
  /// few hundred; for more all are sorted.
  public List<Ranked> top(int k) {
    float floor = row.reachedBy(Math.max(1, k));
    float[] logits = row.logits();
    long[] entries = new long[RowMaxima.BLOCK];
    int count = 0;
    for (int block = 0; block < row.blocks().length; block++) {
      if (row.blocks()[block] >= floor) {
        int from = block * RowMaxima.BLOCK;
        int to = Math.min(logits.length, from + RowMaxima.BLOCK);
        if (entries.length < count + RowMaxima.BLOCK) {
          entries = Arrays.copyOf(entries, 2 * (count + RowMaxima.BLOCK));
        }
        for (int id = from; id < to; id++) {
          entries[count] = Candidates.entry(0 - logits[id], id);
          count += logits[id] >= floor ? 1 : 0;
        }
      }
    }
    Arrays.sort(entries, 0, count);
    long[] sorted = entries;
    return IntStream.range(0, Math.min(k, count))
        .mapToObj(i -> new Ranked((int) sorted[i], of((int) sorted[i]), i + 1))
        .toList();
  }
}
