package dev.yushan.data.format;

import java.util.Map;

/// Rules that give characters the width they have in Chinese set with half-width letters.
final class Widths {
  private static final int WIDE_TO_ASCII = 0xFEE0;
  private static final String[] ASCII = new String[128];

  /// Full-width punctuation by its small, vertical or other form.
  private static final Map<Character, String> SMALL =
      Map.ofEntries(
          Map.entry('︰', "："),
          Map.entry('﹐', "，"),
          Map.entry('﹑', "、"),
          Map.entry('﹒', "．"),
          Map.entry('﹔', "；"),
          Map.entry('﹕', "："),
          Map.entry('﹖', "？"),
          Map.entry('﹗', "！"),
          Map.entry('﹙', "（"),
          Map.entry('﹚', "）"),
          Map.entry('﹛', "｛"),
          Map.entry('﹜', "｝"),
          Map.entry('﹝', "〔"),
          Map.entry('﹞', "〕"));

  static {
    for (char c = 0; c < ASCII.length; c++) {
      ASCII[c] = String.valueOf(c);
    }
  }

  private Widths() {}

  static void lettersAndDigits(Line line) {
    for (int i = 0; i < line.length(); i++) {
      if (line.is(i, Kind.WIDE)) {
        line.replace(i, i + 1, ASCII[line.at(i) - WIDE_TO_ASCII]);
      }
    }
  }

  /// Signs between half-width letters or digits; commas and colons only where they make a number or
  /// a time.
  static void signs(Line line) {
    for (int i = 1; i < line.length(); i++) {
      boolean between =
          line.in(i - 1, Kind.WORD) && line.in(i + 1, Kind.WORD) && line.at(i) > WIDE_TO_ASCII;
      boolean fits =
          switch (line.at(i)) {
            case '，' -> between && digitsAround(line, i, 3, 3);
            case '：' -> between && digitsAround(line, i, 2, 2);
            case '％' -> line.is(i, Kind.WIDE_SYMBOL) && line.is(i - 1, Kind.DIGIT);
            default -> between && line.is(i, Kind.WIDE_SYMBOL);
          };
      if (fits) {
        line.replace(i, i + 1, ASCII[line.at(i) - WIDE_TO_ASCII]);
      }
    }
  }

  /// At most `before` digits before, exactly `after` behind.
  private static boolean digitsAround(Line line, int i, int before, int after) {
    int left = 0;
    while (line.is(i - 1 - left, Kind.DIGIT)) {
      left++;
    }
    int right = 0;
    while (line.is(i + 1 + right, Kind.DIGIT)) {
      right++;
    }
    return left > 0
        && left <= before
        && right == after
        && !line.is(i - 1 - left, Kind.LATIN)
        && !line.is(i + 1 + right, Kind.LATIN);
  }

  static void spaces(Line line) {
    int indent = line.indent();
    for (int i = 0; i < line.length(); i++) {
      if (line.is(i, Kind.ODD_SPACE) || (line.is(i, Kind.WIDE_SPACE) && i >= indent)) {
        line.replace(i, i + 1, " ");
      }
    }
  }

  static void wideIndent(Line line) {
    int indent = line.indent();
    for (int i = 0; i < indent; i++) {
      if (line.is(i, Kind.WIDE_SPACE)) {
        line.delete(i, i + 1);
      }
    }
  }

  static void smallForms(Line line) {
    for (int i = 0; i < line.length(); i++) {
      if (line.is(i, Kind.SMALL) && SMALL.containsKey(line.at(i))) {
        line.replace(i, i + 1, SMALL.get(line.at(i)));
      }
    }
  }
}
