package dev.yushan.generate;

import java.util.Arrays;

/// The tokens that may still be drawn, by ascending id, with their logits at the temperature and
/// their probabilities up to a common factor: what the filters of a random choice take from.
///
/// No filter sorts them all: a histogram of what it would sort by shows in which cell its limit
/// falls, and only that cell is sorted.
final class Candidates {
  /// Up to so many are sorted without a histogram.
  private static final int FEW = 1024;

  /// What is left of a float's bits to tell its cell: sign, exponent and 6 bits of the fraction, so
  /// that cells are narrow where differences are small.
  private static final int CELL_SHIFT = 17;

  private static final int CELLS = 1 << Integer.SIZE - CELL_SHIFT - 1;

  private final int[] ids;
  private final float[] scores;
  private final double[] weights;
  private int size;

  /// The tokens of a row whose logit, divided by the temperature, is at least `floor` and above
  /// negative infinity.
  Candidates(RowMaxima row, float temperature, float floor) {
    float[] logits = row.logits();
    int capacity = 0;
    for (float blockMax : row.blocks()) {
      capacity += isOpen(blockMax / temperature, floor) ? RowMaxima.BLOCK : 0;
    }
    // one more, so that what is not kept can be written, too
    ids = new int[capacity + 1];
    scores = new float[capacity + 1];
    for (int block = 0; block < row.blocks().length; block++) {
      if (isOpen(row.blocks()[block] / temperature, floor)) {
        int from = block * RowMaxima.BLOCK;
        int to = Math.min(logits.length, from + RowMaxima.BLOCK);
        for (int id = from; id < to; id++) {
          float score = logits[id] / temperature;
          ids[size] = id;
          scores[size] = score;
          size += isOpen(score, floor) ? 1 : 0;
        }
      }
    }
    weights = new double[size];
    float max = row.max() / temperature;
    for (int i = 0; i < size; i++) {
      weights[i] = Exponential.exp((double) scores[i] - max);
    }
  }

  private static boolean isOpen(float score, float floor) {
    return score >= floor && score > Float.NEGATIVE_INFINITY;
  }

  /// Keeps the `k` largest logits, and those equal to the least of them.
  void keepTopK(int k) {
    if (k < size) {
      double[] ones = new double[size];
      Arrays.fill(ones, 1);
      float[] keys = descending();
      keep(keys, keys[last(keys, ones, k)], size);
    }
  }

  /// Keeps the most probable tokens as long as those before sum to less than `p` (Holtzman et al.
  /// 2020); of equally probable ones the lower ids come first.
  void keepTopP(double p) {
    float[] keys = descending();
    int last = last(keys, weights, p * total());
    keep(keys, keys[last], last);
  }

  /// Keeps those at least `minP` times as probable as the most probable (Nguyen et al. 2024).
  void keepMinP(double minP) {
    double limit = 0;
    for (int i = 0; i < size; i++) {
      limit = Math.max(limit, minP * weights[i]);
    }
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (weights[i] >= limit) {
        move(i, kept++);
      }
    }
    size = kept;
  }

  /// Keeps the tokens whose information −ln p is nearest to its expectation, as long as those
  /// nearer sum to less than `p` (Meister et al. 2022); equally near ones stay together.
  void keepTypical(double p) {
    double total = total();
    double[] information = new double[size];
    double entropy = 0;
    // −ln p is a constant minus the logit; the constant cancels in the difference
    for (int i = 0; i < size; i++) {
      information[i] = -scores[i];
      entropy += weights[i] / total * information[i];
    }
    float[] keys = new float[size];
    for (int i = 0; i < size; i++) {
      keys[i] = (float) Math.abs(information[i] - entropy);
    }
    keep(keys, keys[last(keys, weights, p * total)], size);
  }

  /// Keys whose ascending order is that of descending logits.
  private float[] descending() {
    float[] keys = new float[size];
    for (int i = 0; i < size; i++) {
      // not −score, which would tell 0 from −0
      keys[i] = 0 - scores[i];
    }
    return keys;
  }

  /// The last index, in the order of ascending keys and then indices, before which the weights sum
  /// to less than `target`.
  private int last(float[] keys, double[] weights, double target) {
    double before = 0;
    int cell = -1;
    float least = keys[0];
    if (size > FEW) {
      float most = keys[0];
      for (int i = 0; i < size; i++) {
        least = Math.min(least, keys[i]);
        most = Math.max(most, keys[i]);
      }
      double[] sums = new double[CELLS];
      for (int i = 0; i < size; i++) {
        sums[cell(keys[i], least)] += weights[i];
      }
      cell = 0;
      while (before + sums[cell] < target && cell < cell(most, least)) {
        before += sums[cell++];
      }
    }
    int last = -1;
    for (long entry : sorted(keys, cell, least)) {
      if (last >= 0 && before >= target) {
        break;
      }
      last = (int) entry;
      before += weights[last];
    }
    return last;
  }

  private static int cell(float key, float least) {
    return Float.floatToRawIntBits(key - least) >>> CELL_SHIFT;
  }

  /// The indices of a cell, or of all if that is −1, in the low halves, in ascending order of keys
  /// and then indices.
  private long[] sorted(float[] keys, int cell, float least) {
    long[] entries = new long[FEW];
    int count = 0;
    for (int i = 0; i < size; i++) {
      if (cell < 0 || cell(keys[i], least) == cell) {
        if (count == entries.length) {
          entries = Arrays.copyOf(entries, 2 * count);
        }
        entries[count++] = entry(keys[i], i);
      }
    }
    Arrays.sort(entries, 0, count);
    return Arrays.copyOf(entries, count);
  }

  /// A number that sorts by key, then index; the index is its low half.
  static long entry(float key, int index) {
    int bits = Float.floatToRawIntBits(key);
    int ordered = bits ^ (bits >> 31 & Integer.MAX_VALUE);
    return (long) ordered << 32 | index;
  }

  /// Keeps keys below a limit, and of those equal to it the ones up to an index.
  private void keep(float[] keys, float limit, int last) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      if (keys[i] < limit || keys[i] == limit && i <= last) {
        move(i, kept++);
      }
    }
    size = kept;
  }

  private void move(int from, int to) {
    ids[to] = ids[from];
    scores[to] = scores[from];
    weights[to] = weights[from];
  }

  private double total() {
    double total = 0;
    for (int i = 0; i < size; i++) {
      total += weights[i];
    }
    return total;
  }

  /// The first token, by id, at which the running sum of probabilities passes `uniform`.
  int draw(double uniform) {
    double target = uniform * total();
    double sum = 0;
    int last = 0;
    for (int i = 0; i < size; i++) {
      if (weights[i] > 0) {
        sum += weights[i];
        last = i;
        if (sum > target) {
          break;
        }
      }
    }
    return ids[last];
  }

  /// The probabilities, `[vocabSize]`.
  float[] probabilities(int vocabSize) {
    float[] probabilities = new float[vocabSize];
    double total = total();
    for (int i = 0; i < size; i++) {
      probabilities[ids[i]] = (float) (weights[i] / total);
    }
    return probabilities;
  }
}
