package dev.yushan.data.dedup;

import java.util.Arrays;

/// The set of character n-grams of a text as sorted distinct 64-bit hashes.
///
/// Two different n-grams of a document of 10,000 have the same hash with a probability below 1e-11:
/// the Jaccard similarity of the hashes is that of the n-grams.
final class Shingles {
  private Shingles() {}

  /// The n-grams of folded text. A text shorter than `n` is one n-gram by itself.
  static long[] of(int[] codePoints, int n) {
    return sorted(hashes(codePoints, n));
  }

  /// The same in no order, which takes less time.
  static long[] unordered(int[] codePoints, int n) {
    long[] hashes = hashes(codePoints, n);
    long[] table = new long[Integer.highestOneBit(2 * hashes.length) << 1];
    int count = 0;
    boolean zero = false;
    for (long hash : hashes) {
      if (hash == 0) { // what a free place of the table holds
        zero = true;
        continue;
      }
      int slot = (int) hash & table.length - 1;
      while (table[slot] != 0 && table[slot] != hash) {
        slot = slot + 1 & table.length - 1;
      }
      if (table[slot] == 0) {
        table[slot] = hash;
        hashes[count++] = hash;
      }
    }
    if (zero) {
      hashes[count++] = 0;
    }
    return count == hashes.length ? hashes : Arrays.copyOf(hashes, count);
  }

  private static long[] hashes(int[] codePoints, int n) {
    int length = codePoints.length;
    if (length < n) {
      long hash = length;
      for (int c : codePoints) {
        hash = Mix.mix(hash * Mix.BASE + c);
      }
      return new long[] {hash};
    }
    long[] hashes = new long[length - n + 1];
    long leaving = Mix.power(n);
    long hash = 0;
    for (int i = 0; i < n; i++) {
      hash = hash * Mix.BASE + codePoints[i];
    }
    hashes[0] = Mix.mix(hash);
    for (int i = n; i < length; i++) {
      hash = hash * Mix.BASE + codePoints[i] - codePoints[i - n] * leaving;
      hashes[i - n + 1] = Mix.mix(hash);
    }
    return hashes;
  }

  private static long[] sorted(long[] hashes) {
    Arrays.sort(hashes);
    int n = 1;
    for (int i = 1; i < hashes.length; i++) {
      hashes[n] = hashes[i];
      n += hashes[n] == hashes[n - 1] ? 0 : 1;
    }
    return n == hashes.length ? hashes : Arrays.copyOf(hashes, n);
  }

  /// |a ∩ b| / |a ∪ b|.
  static double jaccard(long[] a, long[] b) {
    int i = 0;
    int j = 0;
    int common = 0;
    while (i < a.length && j < b.length) {
      long x = a[i];
      long y = b[j];
      common += x == y ? 1 : 0;
      i += x <= y ? 1 : 0;
      j += y <= x ? 1 : 0;
    }
    return common / (double) ((long) a.length + b.length - common);
  }
}
