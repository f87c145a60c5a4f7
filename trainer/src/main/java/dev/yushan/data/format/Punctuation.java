package dev.yushan.data.format;

/// Half-width punctuation of Chinese sentences, made full-width.
final class Punctuation {
  private static final String HALF = ",.;:?!";
  private static final String[] FULL = {"，", "。", "；", "：", "？", "！"};
  private static final int CHINESE = Kind.FULL | Kind.set(Kind.HAN);
  private static final int WORDS = Kind.WORD | Kind.set(Kind.SPAN);

  private Punctuation() {}

  static void points(Line line) {
    boolean chinese = false;
    for (int i = 0; i < line.length(); i++) {
      chinese |= line.is(i, Kind.HAN);
      if (!line.is(i, Kind.POINT)) {
        continue;
      }
      int end = i + 1;
      boolean cry = isCry(line, i);
      while (line.is(end, Kind.POINT)) {
        cry &= isCry(line, end++);
      }
      if ((cry || end == i + 1) && isChinese(line, i, end, chinese)) {
        for (int k = i; k < end; k++) {
          line.replace(k, k + 1, FULL[HALF.indexOf(line.at(k))]);
        }
      }
      i = end - 1;
    }
  }

  private static boolean isCry(Line line, int i) {
    return line.has(i, '?') || line.has(i, '!');
  }

  /// Whether the point or points from `i` to `end` belong to a Chinese sentence.
  ///
  /// @param chinese whether a Han character is before it in the line
  private static boolean isChinese(Line line, int i, int end, boolean chinese) {
    boolean stop = line.has(i, '.');
    int left = line.before(i, stop ? 0 : 1);
    int right = line.after(end, Line.LOOSE);
    if (isBeforeSpeech(line, i, end)) {
      return true;
    }
    if (line.is(left, Kind.QUOTE) && left == i - 1) {
      left--;
    }
    if (stop && (isMarker(line, i) || isDecimal(line, left, right))) {
      return false;
    }
    if (line.in(left, WORDS)) {
      boolean pause = line.has(i, ',') || line.has(i, ';');
      return pause && chinese && line.is(i - 1, line.kind(left)) && line.is(end, Kind.HAN);
    }
    return (line.is(left, Kind.HAN) || line.is(left, Kind.FULL_CLOSE))
        && (line.is(right, Kind.HAN)
            || line.is(right, Kind.FULL_OPEN)
            || line.is(right, Kind.FULL_CLOSE)
            || line.is(right, Kind.EDGE)
            || (line.has(i, ',') && line.is(right, Kind.OPEN))
            || (!stop && right == end && left == i - 1 && isWord(line, right))
            || ((stop || isCry(line, i)) && closes(line, right)));
  }

  private static boolean isWord(Line line, int i) {
    return line.in(i, WORDS) || Spacing.isAmount(line, i);
  }

  /// A colon that announces what is said in Chinese, or `?` and `!` beside it: `小明:"好嗎?"他問`.
  private static boolean isBeforeSpeech(Line line, int i, int end) {
    return (line.has(i, ':') || isCry(line, i))
        && line.is(i - 1, Kind.HAN)
        && line.is(end, Kind.QUOTE)
        && line.is(end + 1, Kind.HAN);
  }

  /// A half-width bracket that closes, or a quotation mark at the end of the line.
  private static boolean closes(Line line, int i) {
    return line.is(i, Kind.CLOSE) || (line.is(i, Kind.QUOTE) && line.is(i + 1, Kind.EDGE));
  }

  /// `一.` or `甲.` at the beginning of a line.
  private static boolean isMarker(Line line, int point) {
    int first = line.indent();
    for (int i = first; i < point; i++) {
      if (!Numerals.isNumeral(line.at(i)) && !Numerals.isStem(line.at(i))) {
        return false;
      }
    }
    return point > first;
  }

  private static boolean isDecimal(Line line, int left, int right) {
    return left >= 0
        && right < line.length()
        && Numerals.isNumeral(line.at(left))
        && Numerals.isNumeral(line.at(right));
  }

  /// Round brackets in Chinese text take the width of what is in them. One of a pair is enough to
  /// make both full-width.
  static void brackets(Line line) {
    int[] open = new int[8];
    int depth = 0;
    for (int i = 0; i < line.length(); i++) {
      if (isOpening(line, i)) {
        if (depth == open.length) {
          return;
        }
        open[depth++] = i;
      } else if (isClosing(line, i)) {
        if (depth == 0) {
          widenSingle(line, i, "）");
        } else {
          widenPair(line, open[--depth], i);
        }
      }
    }
    while (depth > 0) {
      widenSingle(line, open[--depth], "（");
    }
  }

  private static boolean isOpening(Line line, int i) {
    return (line.has(i, '（') && line.is(i, Kind.FULL_OPEN))
        || (line.has(i, '(') && line.is(i, Kind.OPEN));
  }

  private static boolean isClosing(Line line, int i) {
    return (line.has(i, '）') && line.is(i, Kind.FULL_CLOSE))
        || (line.has(i, ')') && line.is(i, Kind.CLOSE));
  }

  private static void widenPair(Line line, int open, int close) {
    boolean oneIsFull = line.has(open, '（') || line.has(close, '）');
    if (oneIsFull || isChinese(line, open, close)) {
      widen(line, open, '(', "（");
      widen(line, close, ')', "）");
    }
  }

  private static boolean isChinese(Line line, int open, int close) {
    boolean han = false;
    for (int i = open + 1; i < close && !han; i++) {
      han = line.is(i, Kind.HAN);
    }
    int left = line.before(open, Line.LOOSE);
    int right = line.after(close + 1, Line.LOOSE);
    boolean alone = line.is(left, Kind.EDGE) && line.is(right, Kind.EDGE);
    return han
        && !isCall(line, open)
        && (line.in(left, CHINESE) || line.in(right, CHINESE) || alone);
  }

  /// `list.add(`: a dotted name directly before the bracket.
  private static boolean isCall(Line line, int open) {
    int i = open - 1;
    while (line.in(i, Kind.WORD) || line.has(i, '_')) {
      i--;
    }
    return i < open - 1 && line.has(i, '.');
  }

  /// A bracket whose other half is on another line.
  private static void widenSingle(Line line, int i, String full) {
    boolean between =
        line.is(line.before(i, Line.LOOSE), Kind.HAN)
            && line.is(line.after(i + 1, Line.LOOSE), Kind.HAN);
    if (between && !isMarker(line, i)) {
      widen(line, i, line.at(i), full);
    }
  }

  private static void widen(Line line, int i, char half, String full) {
    if (line.has(i, half) && !line.in(i, Kind.FULL)) {
      line.replace(i, i + 1, full);
    }
  }
}
