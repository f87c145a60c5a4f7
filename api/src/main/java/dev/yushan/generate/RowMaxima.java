package dev.yushan.generate;

import java.util.Arrays;

/// The logits of one position, with the largest of each block of [#BLOCK] ids: one pass over the
/// vocabulary, after which most blocks need no look.
///
/// @param logits `[vocabSize]`
/// @param blocks `[ceil(vocabSize / BLOCK)]`
/// @param max the largest of all; NaN if one is
record RowMaxima(float[] logits, float[] blocks, float max) {
  static final int BLOCK = 256;

  static RowMaxima of(float[] logits) {
    float[] blocks = new float[(logits.length + BLOCK - 1) / BLOCK];
    float max = Float.NEGATIVE_INFINITY;
    for (int block = 0; block < blocks.length; block++) {
      blocks[block] = max(logits, block * BLOCK, Math.min(logits.length, (block + 1) * BLOCK));
      max = Math.max(max, blocks[block]);
    }
    return new RowMaxima(logits, blocks, max);
  }

  private static float max(float[] logits, int from, int to) {
    float max = Float.NEGATIVE_INFINITY;
    for (int id = from; id < to; id++) {
      max = Math.max(max, logits[id]);
    }
    return max;
  }

  /// The id of the largest logit; the lowest of equal ones.
  int argmax() {
    int id = 0;
    while (blocks[id / BLOCK] < max) {
      id += BLOCK;
    }
    while (logits[id] < max) {
      id++;
    }
    return id;
  }

  /// A bound that at least `k` logits reach, and most do not: the k-th largest of the blocks'.
  float reachedBy(int k) {
    if (k > blocks.length) {
      return Float.NEGATIVE_INFINITY;
    }
    float[] ascending = blocks.clone();
    Arrays.sort(ascending);
    return ascending[blocks.length - k];
  }
}
