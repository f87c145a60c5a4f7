package dev.yushan.data.format;

/// Rules that put spaces in and take them out.
final class Spacing {
  private static final int WORDS = Kind.WORD | Kind.set(Kind.SPAN);
  private static final int TERMS = WORDS | Kind.set(Kind.HAN);
  private static final int BESIDE_FULL =
      TERMS | Kind.FULL | Kind.set(Kind.QUOTE, Kind.OPEN, Kind.CLOSE);

  /// After these a hyphen before a number makes a range, not a negative number.
  private static final String COUNTED = "年月日時分秒條項款號級度季週頁章節點元";

  private Spacing() {}

  /// One space between Han characters and words. What belongs to a word goes with it: `$100`, `-5`,
  /// `50%`, `C++`, `Yahoo!`.
  static void words(Line line) {
    for (int i = 0; i < line.length(); i++) {
      if (line.is(i, Kind.HAN)) {
        int next = line.after(i + 1, Line.LOOSE);
        if (next > i + 2 && line.in(next, WORDS)) {
          line.delete(i + 2, next);
        } else if (next == i + 1 && beginsWord(line, i, next)) {
          line.insert(next, " ");
        }
      } else if (line.in(i, WORDS)) {
        int next = line.after(i + 1, Line.LOOSE);
        if (next > i + 2 && line.is(next, Kind.HAN)) {
          line.delete(i + 2, next);
        } else if (next == i + 1) {
          int end = wordEnd(line, i + 1);
          if (line.is(end, Kind.HAN)) {
            line.insert(end, " ");
          }
        }
      }
    }
  }

  /// Whether a word begins at `i`, directly after the Han character at `han`.
  private static boolean beginsWord(Line line, int han, int i) {
    if (line.in(i, WORDS) || line.hasWord(i, ".NET")) {
      return true;
    }
    if (line.is(i, Kind.OTHER)) {
      return isAmount(line, i);
    }
    if (line.in(i, Kind.set(Kind.SYMBOL, Kind.OPERATOR))) {
      return switch (line.at(i)) {
        case '$' -> isAmount(line, i) || isVariable(line, i + 1);
        case '#', '+' -> line.is(i + 1, Kind.DIGIT);
        case '*' -> line.has(i + 1, '.') && line.is(i + 2, Kind.LATIN);
        case '%', '\\' -> line.is(i + 1, Kind.LATIN);
        case '-' ->
            COUNTED.indexOf(line.at(han)) < 0
                && !Numerals.isNumeral(line.at(han))
                && (line.is(i + 1, Kind.DIGIT) || isFlag(line, i));
        default -> false;
      };
    }
    return false;
  }

  /// `€100`
  static boolean isAmount(Line line, int i) {
    return line.is(i + 1, Kind.DIGIT) && "$€£¥".indexOf(line.at(i)) >= 0;
  }

  /// `HOME` of `$HOME`
  private static boolean isVariable(Line line, int i) {
    return line.is(i, Kind.LATIN)
        && Character.isUpperCase(line.at(i))
        && line.is(i + 1, Kind.LATIN);
  }

  /// `-m`
  private static boolean isFlag(Line line, int i) {
    return line.is(i + 1, Kind.LATIN)
        && Character.isLowerCase(line.at(i + 1))
        && !line.in(i + 2, WORDS);
  }

  /// The end of the signs at `i` that belong to the word or number before them.
  private static int wordEnd(Line line, int i) {
    int end = i;
    if (line.has(i, '%')) {
      return line.is(i - 1, Kind.DIGIT) ? i + 1 : i;
    }
    if (line.has(i, '#')) {
      return i + 1;
    }
    while (line.is(end, Kind.OTHER) && isRaised(line.at(end))) {
      end++;
    }
    while (line.has(end, '+') || line.is(end, Kind.POINT)) {
      end++;
    }
    return end;
  }

  /// `²`, `₁`
  private static boolean isRaised(char c) {
    return (c >= '\u2070' && c <= '\u209C') || "²³¹".indexOf(c) >= 0;
  }

  /// Spaces around a sign or an arrow that has a Han character on one side at least.
  static void operators(Line line) {
    boolean table = line.has(line.indent(), '|');
    for (int i = 1; i < line.length(); i++) {
      if (!line.is(i, Kind.OPERATOR)) {
        continue;
      }
      if (angleEnd(line, i) > i) {
        i = angleEnd(line, i);
        continue;
      }
      int end = i + 1;
      while (line.is(end, Kind.OPERATOR)) {
        end++;
      }
      int start = line.has(i, '>') && line.has(i - 1, '-') ? i - 1 : i;
      end += line.has(end - 1, '<') && line.has(end, '-') ? 1 : 0;
      boolean markup = (table && line.has(i, '|')) || isMarkup(line, i, end);
      if (separates(line, start, end) && !markup) {
        line.insert(start, " ");
        line.insert(end, " ");
      }
      i = end;
    }
  }

  /// `==` or `++` that the line has twice: around what is marked, `==重點==`.
  private static boolean isMarkup(Line line, int i, int end) {
    char sign = line.at(i);
    if (end != i + 2 || !line.has(i + 1, sign) || (sign != '=' && sign != '+')) {
      return false;
    }
    int pairs = 0;
    for (int k = 0; k < line.length(); k++) {
      if (line.has(k, sign) && line.has(k + 1, sign)) {
        pairs++;
        k++;
      }
    }
    return pairs > 1;
  }

  private static boolean separates(Line line, int i, int end) {
    boolean han = line.is(i - 1, Kind.HAN) || line.is(end, Kind.HAN);
    boolean sign = line.has(i, '+') && line.is(end, Kind.DIGIT);
    boolean suffix = line.has(i, '+') && line.in(i - 1, WORDS);
    return han && line.in(i - 1, TERMS) && line.in(end, TERMS) && !sign && !suffix;
  }

  /// The `>` of `<有字的>` that begins at `i`, which is no pair of operators; else `i`.
  private static int angleEnd(Line line, int i) {
    if (!line.has(i, '<') || line.is(i + 1, Kind.SPACE)) {
      return i;
    }
    int end = i + 1;
    boolean han = false;
    while (end < line.length() && !line.has(end, '<') && !line.has(end, '>')) {
      han |= line.is(end, Kind.HAN);
      end++;
    }
    return han && line.has(end, '>') && !line.is(end - 1, Kind.SPACE) ? end : i;
  }

  /// A space outside half-width brackets and pairs of quotation marks, where they meet Han
  /// characters.
  static void brackets(Line line) {
    int quotes = 0;
    for (int i = 0; i < line.length(); i++) {
      quotes += line.is(i, Kind.QUOTE) ? 1 : 0;
    }
    boolean paired = quotes % 2 == 0;
    boolean open = false;
    int angle = 0;
    for (int i = 0; i < line.length(); i++) {
      boolean quote = line.is(i, Kind.QUOTE);
      open ^= quote;
      boolean angled = line.is(i, Kind.OPERATOR) && angleEnd(line, i) > i;
      angle = angled ? angleEnd(line, i) : angle;
      boolean begins = line.is(i, Kind.OPEN) || angled || (quote && paired && open);
      boolean ends =
          line.is(i, Kind.CLOSE) || (angle > 0 && i == angle) || (quote && paired && !open);
      if (begins && line.is(i - 1, Kind.HAN)) {
        line.insert(i, " ");
      } else if (ends && line.is(i + 1, Kind.HAN)) {
        line.insert(i + 1, " ");
      }
    }
  }

  /// No spaces on either side of full-width punctuation, which has its own. Indents stay, and
  /// spaces to signs such as `-` and `|`, which separate.
  static void fullWidth(Line line) {
    for (int i = line.indent(); i < line.length(); i++) {
      if (!line.is(i, Kind.SPACE)) {
        continue;
      }
      int end = i + 1;
      while (line.is(end, Kind.SPACE)) {
        end++;
      }
      boolean beside = line.in(i - 1, Kind.FULL) || line.in(end, Kind.FULL);
      if (end - i <= Line.LOOSE
          && beside
          && line.in(i - 1, BESIDE_FULL)
          && line.in(end, BESIDE_FULL)
          && !needsSpace(line, i - 1, end)) {
        line.delete(i, end);
      }
      i = end - 1;
    }
  }

  /// A hashtag or mention needs the space before it; a closing bracket may be that of a list.
  private static boolean needsSpace(Line line, int left, int right) {
    return line.has(right, '#')
        || line.has(right, '@')
        || (line.is(left, Kind.CLOSE) && line.is(right, Kind.FULL_OPEN));
  }

  static void trailing(Line line) {
    int end = line.length();
    while (end > 0
        && Kind.in(
            Kind.of(line.at(end - 1)),
            Kind.set(Kind.SPACE, Kind.TAB, Kind.WIDE_SPACE, Kind.ODD_SPACE))) {
      end--;
    }
    if (end < line.length()) {
      line.delete(end, line.length());
    }
  }
}
