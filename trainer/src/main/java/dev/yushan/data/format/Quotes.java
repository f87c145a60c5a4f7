package dev.yushan.data.format;

/// Quotation marks as Taiwan has them: 「」, and 『』 inside these. Only pairs on one line that have a
/// Han character in them; what is said in English keeps its own.
final class Quotes {
  private Quotes() {}

  static void corner(Line line) {
    int open = -1;
    for (int i = 0; i < line.length(); i++) {
      boolean straight = line.is(i, Kind.QUOTE);
      if (open < 0 && (straight || isCurly(line, i, '“'))) {
        open = i;
      } else if (open >= 0 && (line.has(open, '"') ? straight : isCurly(line, i, '”'))) {
        if (hasHan(line, open, i)) {
          boolean inside = isInside(line, open);
          line.replace(open, open + 1, inside ? "『" : "「");
          single(line, open, i);
          line.replace(i, i + 1, inside ? "』" : "」");
        }
        open = -1;
      }
    }
  }

  /// Single quotation marks inside double ones.
  private static void single(Line line, int from, int to) {
    int open = -1;
    for (int i = from + 1; i < to; i++) {
      if (isCurly(line, i, '‘')) {
        open = i;
      } else if (open >= 0 && isCurly(line, i, '’')) {
        if (hasHan(line, open, i)) {
          line.replace(open, open + 1, "『");
          line.replace(i, i + 1, "』");
        }
        open = -1;
      }
    }
  }

  /// Whether `sign` is at `i`, outside of what is left alone.
  private static boolean isCurly(Line line, int i, char sign) {
    return line.has(i, sign) && line.is(i, Kind.OTHER);
  }

  private static boolean hasHan(Line line, int from, int to) {
    for (int i = from + 1; i < to; i++) {
      if (line.is(i, Kind.HAN)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isInside(Line line, int at) {
    int depth = 0;
    for (int i = 0; i < at; i++) {
      depth += line.has(i, '「') ? 1 : line.has(i, '」') ? -1 : 0;
    }
    return depth > 0;
  }
}
