package dev.yushan.data.format;

import java.text.Normalizer;
import java.util.function.IntPredicate;

/// Rules for single characters, which apply everywhere, code and addresses included.
final class Characters {
  private static final char BYTE_ORDER_MARK = '\uFEFF';
  private static final char JOINER = '\u200D';
  private static final char NON_JOINER = '\u200C';

  private Characters() {}

  static void byteOrderMark(Line line) {
    remove(line, i -> line.at(i) == BYTE_ORDER_MARK);
  }

  static void control(Line line) {
    remove(line, i -> Kind.of(line.at(i)) == Kind.CONTROL);
  }

  static void zeroWidth(Line line) {
    remove(
        line,
        i ->
            Kind.of(line.at(i)) == Kind.INVISIBLE
                && line.at(i) != BYTE_ORDER_MARK
                && !joins(line, i));
  }

  /// Where half of a surrogate pair is alone, what follows it stays: two halves that have nothing
  /// to do with each other must not meet.
  private static void remove(Line line, IntPredicate gone) {
    boolean half = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.at(i);
      if (!Kind.in(Kind.of(c), Kind.GOING)) {
        half = Character.isHighSurrogate(c);
      } else if (!half && gone.test(i)) {
        line.delete(i, i + 1);
      }
    }
  }

  /// Between the parts of an emoji, or of a word in a script that is written with joiners.
  private static boolean joins(Line line, int i) {
    char c = line.at(i);
    if ((c != JOINER && c != NON_JOINER) || i == 0 || i + 1 == line.length()) {
      return false;
    }
    int before = codePointBefore(line, i);
    int after = codePointAt(line, i + 1);
    return (c == JOINER && pictorial(before) && pictorial(after))
        || (joining(before) && joining(after));
  }

  private static boolean pictorial(int c) {
    return c == 0xFE0F || (c > 0x2000 && Character.isEmoji(c));
  }

  /// Arabic and the scripts of South and Southeast Asia.
  private static boolean joining(int c) {
    return c >= 0x0600 && c <= 0x18AF;
  }

  private static int codePointBefore(Line line, int i) {
    char low = line.at(i - 1);
    return i > 1 && Character.isSurrogatePair(line.at(i - 2), low)
        ? Character.toCodePoint(line.at(i - 2), low)
        : low;
  }

  private static int codePointAt(Line line, int i) {
    char high = line.at(i);
    return i + 1 < line.length() && Character.isSurrogatePair(high, line.at(i + 1))
        ? Character.toCodePoint(high, line.at(i + 1))
        : high;
  }

  /// Replaces from the first to the last character that differ.
  static void compose(Line line) {
    if (isSurelyComposed(line)) {
      return;
    }
    String text = line.toString();
    String composed = Normalizer.normalize(text, Normalizer.Form.NFC);
    if (composed.equals(text)) {
      return;
    }
    int same = 0;
    while (same < Math.min(text.length(), composed.length())
        && text.charAt(same) == composed.charAt(same)) {
      same++;
    }
    int tail = 0;
    while (tail < Math.min(text.length(), composed.length()) - same
        && text.charAt(text.length() - 1 - tail) == composed.charAt(composed.length() - 1 - tail)) {
      tail++;
    }
    line.replace(same, text.length() - tail, composed.substring(same, composed.length() - tail));
  }

  private static boolean isSurelyComposed(Line line) {
    for (int i = 0; i < line.length(); i++) {
      if (!isInert(line.at(i))) {
        return false;
      }
    }
    return true;
  }

  /// Whether `c` is as NFC has it whatever is around it: it neither changes alone, nor is it
  /// reordered or composed with what is before it. Ranges only; the rest is left to [Normalizer].
  static boolean isInert(char c) {
    return c < 0x0300
        || (c >= 0x3100 && c <= 0xD7A3)
        || (c >= 0x2010 && c <= 0x205E)
        || (c >= 0x2190 && c <= 0x2328)
        || (c >= 0x232B && c <= 0x2ADB)
        || (c >= 0x2E80 && c <= 0x3029)
        || (c >= 0x3030 && c <= 0x3098)
        || (c >= 0x309B && c <= 0x30FF)
        || (c >= 0xD83C && c <= 0xD83E)
        || (c >= 0xDC00 && c <= 0xDFFF)
        || (c >= 0xD840 && c <= 0xD87D)
        || (c >= 0xFE30 && c <= 0xFFEF);
  }
}
