package dev.yushan.data.format;

/// Tells lines that were cut at a fixed width from those that ended there. Widths are counted in
/// columns, of which a Han character takes two: the laws of Taiwan, for one, were cut at 66 to 72.
final class Wrapping {
  private static final int NARROWEST = 56;
  private static final int WIDEST = 88;

  private static final String ENDS = "。！？；：.!?;:";
  private static final String BULLETS = "-*+•●○◎※◆■□▲│|#>";
  private static final String DIVISIONS = "條章節編款目篇";
  private static final int SPACES = Kind.set(Kind.SPACE, Kind.TAB);

  private Wrapping() {}

  static boolean isFull(int columns) {
    return columns >= NARROWEST && columns <= WIDEST;
  }

  /// Whether `next` goes on with the sentence that `line`, which is full, was cut in.
  static boolean goesOn(Line line, Line next) {
    boolean drawn = line.any(Kind.set(Kind.BOX)) || next.any(Kind.set(Kind.BOX));
    int first = next.indent();
    return !drawn
        && Characters.isInert(next.at(first))
        && !Character.isLowSurrogate(next.at(first))
        && ENDS.indexOf(line.at(line.length() - 1)) < 0
        && !isItem(next, first)
        && !isDivision(next, first);
  }

  /// Words of two lines need a space between them.
  static boolean needsSpace(Line line, Line next) {
    return line.in(line.length() - 1, Kind.WORD) && next.in(next.indent(), Kind.WORD);
  }

  /// `一、`, `（一）`, `1.`, `(1)`, `甲 `, `-`, or a number alone.
  private static boolean isItem(Line line, int first) {
    if (BULLETS.indexOf(line.at(first)) >= 0 && !line.is(first + 1, Kind.HAN)) {
      return true;
    }
    boolean bracket = line.has(first, '（') || line.has(first, '(');
    int end = numberEnd(line, bracket ? first + 1 : first);
    if (end == first || (bracket && end == first + 1)) {
      return false;
    }
    if (line.has(end, '）') || line.has(end, ')')) {
      return true;
    }
    return !bracket
        && (line.is(end, Kind.EDGE)
            || line.in(end, SPACES)
            || (end < line.length() && "、.．".indexOf(line.at(end)) >= 0));
  }

  /// `第12條` alone or `第 一 章 總則`.
  private static boolean isDivision(Line line, int first) {
    if (!line.has(first, '第')) {
      return false;
    }
    int end = first + 1;
    while (line.in(end, SPACES) || line.has(end, '-') || numberEnd(line, end) > end) {
      end++;
    }
    return end < line.length()
        && DIVISIONS.indexOf(line.at(end)) >= 0
        && (line.is(end + 1, Kind.EDGE) || line.in(end + 1, SPACES));
  }

  private static int numberEnd(Line line, int start) {
    int end = start;
    while (line.is(end, Kind.DIGIT)
        || (end < line.length()
            && (Numerals.isNumeral(line.at(end)) || Numerals.isStem(line.at(end))))) {
      end++;
    }
    return end;
  }
}
