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

  /// The share of characters in the most frequent n-gram, if it comes at least five times.
  double top(int n) {
    if (length < 2 * n) {
      return 0;
    }
    long[] table = table();
    long power = power(n);
    long hash = 0;
    int most = 1;
    for (int i = 0; i < length; i++) {
      hash = hash * BASE + text[i] - (i >= n ? power * text[i - n] : 0);
      if (i >= n - 1) {
        most = Math.max(most, count(table, mix(hash)));
      }
    }
    return most < FEWEST_REPEATS ? 0 : Math.min(1, (double) most * n / length);
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
      if (i >= n - 1 && count(table, mix(hash)) > 1) {
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

  /// How often a hash has been counted, this time included. A slot holds 32 bits of the hash and
  /// the count.
  private static int count(long[] table, long hash) {
    long mark = hash & 0xFFFFFFFF00000000L;
    for (int slot = (int) hash & table.length - 1; ; slot = slot + 1 & table.length - 1) {
      long entry = table[slot];
      if (entry == 0) {
        table[slot] = mark | 1;
        return 1;
      }
      if ((entry & 0xFFFFFFFF00000000L) == mark) {
        table[slot] = entry + 1;
        return (int) (entry + 1);
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
