package dev.yushan.data.format;

/// Han numerals, and the optional rules for them.
final class Numerals {
  private static final String NUMERALS = "一二三四五六七八九十百千〇零壹貳參肆伍陸柒捌玖拾";
  private static final String STEMS = "甲乙丙丁戊己庚辛壬癸";
  private static final String HEADINGS = "章節編款目條篇";
  private static final char CIRCLE = '○';

  private Numerals() {}

  static boolean isNumeral(char c) {
    return NUMERALS.indexOf(c) >= 0;
  }

  /// One of the ten that lists are numbered by.
  static boolean isStem(char c) {
    return STEMS.indexOf(c) >= 0;
  }

  /// `第 十 二 章` and `（三 十）`: spaces that were put in to fill a line.
  static void headings(Line line) {
    for (int i = 0; i < line.length(); i++) {
      if (line.has(i, '第') || line.has(i, '（')) {
        int end = i + 1;
        while (line.is(end, Kind.SPACE) || (end < line.length() && isNumeral(line.at(end)))) {
          end++;
        }
        boolean heading =
            line.has(i, '第')
                ? end < line.length() && HEADINGS.indexOf(line.at(end)) >= 0
                : line.has(end, '）');
        if (heading && end > i + 1) {
          deleteSpaces(line, i + 1, end);
        }
        i = end - 1;
      }
    }
  }

  private static void deleteSpaces(Line line, int from, int to) {
    for (int i = from; i < to; i++) {
      if (line.is(i, Kind.SPACE)) {
        line.delete(i, i + 1);
      }
    }
  }

  /// `二○公尺`, `○．五`: circles that stand for zero, beside a numeral or a decimal point before or
  /// after one. Others (`○○縣`) stand for what is left out.
  static void zeros(Line line) {
    for (int i = 0; i < line.length(); i++) {
      if (line.has(i, CIRCLE) && line.is(i, Kind.OTHER)) {
        int end = i;
        while (line.has(end, CIRCLE)) {
          end++;
        }
        if (continues(line, i - 1, -1) || continues(line, end, 1)) {
          for (int k = i; k < end; k++) {
            line.replace(k, k + 1, "〇");
          }
        }
        i = end - 1;
      }
    }
  }

  private static boolean continues(Line line, int i, int step) {
    int next = isPoint(line, i) ? i + step : i;
    return next >= 0
        && next < line.length()
        && (isNumeral(line.at(next)) || (next != i && line.has(next, CIRCLE)));
  }

  private static boolean isPoint(Line line, int i) {
    return line.has(i, '．') || line.has(i, '‧') || line.has(i, '·');
  }
}
