package dev.yushan.data.dedup;

import java.text.Normalizer;
import java.util.Arrays;

/// Folds text as a [Normalization] says, by a table of the basic plane.
final class Folding {
  /// What a left-out character is folded to: a noncharacter, which no text has.
  static final int DROPPED = 0xFFFF;

  private final Normalization rules;
  private final char[] table = new char[1 << 16];

  Folding(Normalization rules) {
    this.rules = rules;
    for (int c = 0; c < table.length; c++) {
      table[c] = (char) compute(c);
    }
  }

  /// The code point that stands for `codePoint`, or [#DROPPED].
  int fold(int codePoint) {
    return codePoint < table.length ? table[codePoint] : compute(codePoint);
  }

  /// The code points of the folded text. A text of which nothing would be left (`?!`) is taken as
  /// it is, so that such texts are no duplicates of one another.
  int[] fold(String text) {
    int length = text.length();
    int[] folded = new int[length];
    int n = 0;
    for (int i = 0; i < length; i++) {
      int c = text.charAt(i);
      if (Character.isHighSurrogate((char) c)) {
        c = text.codePointAt(i);
        i += Character.charCount(c) - 1;
      }
      folded[n] = fold(c);
      n += folded[n] == DROPPED ? 0 : 1;
    }
    return n == 0 ? text.codePoints().toArray() : Arrays.copyOf(folded, n);
  }

  private int compute(int codePoint) {
    int c = rules.ignoreWidth() ? usualWidth(codePoint) : codePoint;
    if ((rules.ignoreSpace() && isSpace(c)) || (rules.ignorePunctuation() && isPunctuation(c))) {
      return DROPPED;
    }
    return rules.ignoreCase() ? Character.toLowerCase(Character.toUpperCase(c)) : c;
  }

  private static int usualWidth(int codePoint) {
    if (codePoint == 0x3000) {
      return ' ';
    }
    if (codePoint < 0xFF00 || codePoint > 0xFFEF) {
      return codePoint;
    }
    String usual = Normalizer.normalize(Character.toString(codePoint), Normalizer.Form.NFKC);
    return usual.length() == 1 ? usual.charAt(0) : codePoint;
  }

  private static boolean isSpace(int codePoint) {
    return Character.isWhitespace(codePoint)
        || Character.isSpaceChar(codePoint)
        || Character.getType(codePoint) == Character.CONTROL
        || Character.getType(codePoint) == Character.FORMAT;
  }

  private static boolean isPunctuation(int codePoint) {
    return switch ((byte) Character.getType(codePoint)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          true;
      default -> false;
    };
  }
}
