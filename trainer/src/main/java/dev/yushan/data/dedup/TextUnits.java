package dev.yushan.data.dedup;

import java.lang.Character.UnicodeScript;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;

/// The units of a text: each character of a script that is written without spaces, each word or
/// number of others; letters folded, white space and punctuation left out.
///
/// @param hashes of the units, `[count]` of them used, like the others
/// @param starts where each begins in the text, in chars
/// @param ends where each ends
record TextUnits(long[] hashes, int[] starts, int[] ends, int count) {
  private static final Set<UnicodeScript> WITHOUT_SPACES =
      EnumSet.of(
          UnicodeScript.HAN,
          UnicodeScript.HIRAGANA,
          UnicodeScript.KATAKANA,
          UnicodeScript.BOPOMOFO,
          UnicodeScript.THAI,
          UnicodeScript.LAO,
          UnicodeScript.KHMER,
          UnicodeScript.MYANMAR);
  private static final int FIRST_WITHOUT_SPACES = 0x0E00;

  static TextUnits of(String text, Folding folding) {
    long[] hashes = new long[text.length()];
    int[] starts = new int[text.length()];
    int[] ends = new int[text.length()];
    int count = 0;
    boolean inWord = false;
    for (int i = 0, next; i < text.length(); i = next) {
      int written = text.codePointAt(i);
      next = i + Character.charCount(written);
      int c = folding.fold(written);
      if (c == Folding.DROPPED) {
        inWord = false;
        continue;
      }
      boolean alone = isAlone(c);
      if (!inWord || alone) {
        starts[count++] = i;
      }
      hashes[count - 1] = Mix.mix(hashes[count - 1] * Mix.BASE + c);
      ends[count - 1] = next;
      inWord = !alone;
    }
    return new TextUnits(hashes, starts, ends, count);
  }

  private static boolean isAlone(int c) {
    return (c >= 0x4E00 && c <= 0x9FFF)
        || (c >= FIRST_WITHOUT_SPACES && WITHOUT_SPACES.contains(UnicodeScript.of(c)));
  }

  /// The hashes of the n-grams of `n` units, the i-th of those that begin with unit i.
  long[] ngrams(int n) {
    if (count < n) {
      return new long[0];
    }
    long[] ngrams = new long[count - n + 1];
    long leaving = Mix.power(n);
    long hash = 0;
    for (int i = 0; i < count; i++) {
      hash = hash * Mix.BASE + hashes[i] - (i < n ? 0 : hashes[i - n] * leaving);
      if (i >= n - 1) {
        ngrams[i - n + 1] = Mix.mix(hash + n);
      }
    }
    return ngrams;
  }

  /// Different ones, sorted.
  static long[] distinct(long[] ngrams) {
    return Arrays.stream(ngrams).sorted().distinct().toArray();
  }
}
