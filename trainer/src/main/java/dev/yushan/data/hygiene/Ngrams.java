package dev.yushan.data.hygiene;

/// Repetition of character n-grams, found by a rolling hash. Two n-grams are taken for one if 32
/// bits of their hashes and the place in the table agree, which moves the ratios of a text of a
/// million characters by less than 0.001.
final class Ngrams {
  static final long BASE = 0x9E3779B97F4A7C15L;

  /// What comes less often is a term of its subject, however short the text.
  private static final int FEWEST_REPEATS = 5;

  private final char[] text;
  private final int length;

  Ngrams(char[] text, int length) {
    this.text = text;
    this.length = length;
  }

  /// The share of characters in the n-gram that has the most, none counted twice where it overlaps
  /// itself, if it has as many as five that do not.
  double top(int n) {
    if (length < 2 * n) {
      return 0;
    }
    long[] table = table();
    int[] ends = new int[table.length];
    long power = power(n);
    long hash = 0;
    int most = 0;
    for (int i = 0; i < length; i++) {
      hash = hash * BASE + text[i] - (i >= n ? power * text[i - n] : 0);
      if (i >= n - 1) {
        int slot = slot(table, mix(hash));
        int more = Math.min(n, i + 1 - ends[slot]);
        ends[slot] = i + 1;
        table[slot] += more;
        most = Math.max(most, (int) table[slot]);
      }
    }
    return most < FEWEST_REPEATS * n ? 0 : (double) most / length;
  }

  /// The share of characters in n-grams that occurred before, none counted twice.
  double duplicates(int n) {
    if (length < 2 * n) {
      return 0;
    }
    long[] table = table();
    long power = power(n);
    long hash = 0;
    int duplicate = 0;
    int counted = 0;
    for (int i = 0; i < length; i++) {
      hash = hash * BASE + text[i] - (i >= n ? power * text[i - n] : 0);
      if (i >= n - 1 && (int) ++table[slot(table, mix(hash))] > 1) {
        duplicate += i + 1 - Math.max(counted, i + 1 - n);
        counted = i + 1;
      }
    }
    return (double) duplicate / length;
  }

  /// Spreads a polynomial hash over all bits.
  static long mix(long hash) {
    long h = (hash ^ hash >>> 32) * 0xD6E8FEB86659FD93L;
    return h ^ h >>> 32;
  }

  private long[] table() {
    return new long[Integer.highestOneBit(Math.max(4, 2 * length - 1)) << 1];
  }

  /// The place of a hash, which has 32 bits of it, and a count that begins with zero and that the
  /// caller raises: a place is free as long as that is zero.
  private static int slot(long[] table, long hash) {
    long mark = hash & 0xFFFFFFFF00000000L;
    for (int slot = (int) hash & table.length - 1; ; slot = slot + 1 & table.length - 1) {
      long entry = table[slot];
      if ((int) entry == 0) {
        table[slot] = mark;
        return slot;
      }
      if ((entry & 0xFFFFFFFF00000000L) == mark) {
        return slot;
      }
    }
  }

  private static long power(int n) {
    long power = 1;
    for (int i = 0; i < n; i++) {
      power *= BASE;
    }
    return power;
  }
}
