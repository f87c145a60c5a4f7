package dev.yushan.data.hygiene;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// A fixed set of phrases to be found in texts. They are kept by their first two characters, the
/// longest first: a look at a table a character, another where a phrase may begin.
final class Phrases {
  private static final int[] NONE = {};

  private final List<String> phrases;
  private final boolean[] begins = new boolean[1 << 16];
  private final int[][] buckets;

  /// @param phrases of at least two characters each; Latin letters match in either case
  Phrases(List<String> phrases) {
    this.phrases = List.copyOf(phrases);
    this.buckets = new int[Integer.highestOneBit(4 * phrases.size() + 4)][];
    Arrays.fill(buckets, NONE);
    int[] shortestFirst =
        IntStream.range(0, phrases.size())
            .boxed()
            .sorted(Comparator.comparing(i -> phrases.get(i).length()))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int i : shortestFirst) {
      String phrase = phrases.get(i);
      begins[lower(phrase.charAt(0))] = true;
      begins[Character.toUpperCase(phrase.charAt(0))] = true;
      int bucket = bucket(phrase.charAt(0), phrase.charAt(1));
      int[] longer = new int[buckets[bucket].length + 1];
      System.arraycopy(buckets[bucket], 0, longer, 1, longer.length - 1);
      longer[0] = i;
      buckets[bucket] = longer;
    }
  }

  /// Whether a phrase begins with `c`.
  boolean beginsWith(char c) {
    return begins[c];
  }

  /// The number of the longest phrase that begins at `at` of `text` and ends before `end`, or −1.
  int at(String text, int at, int end) {
    if (!begins[text.charAt(at)] || at + 1 >= end) {
      return -1;
    }
    for (int i : buckets[bucket(text.charAt(at), text.charAt(at + 1))]) {
      if (matches(phrases.get(i), text, at, end)) {
        return i;
      }
    }
    return -1;
  }

  String phrase(int i) {
    return phrases.get(i);
  }

  private int bucket(char first, char second) {
    int pair = lower(first) << 16 | lower(second);
    return pair * 0x9E3779B1 >>> 8 & buckets.length - 1;
  }

  private static boolean matches(String phrase, String text, int at, int end) {
    if (at + phrase.length() > end) {
      return false;
    }
    for (int i = 0; i < phrase.length(); i++) {
      if (lower(phrase.charAt(i)) != lower(text.charAt(at + i))) {
        return false;
      }
    }
    return true;
  }

  private static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
  }
}
