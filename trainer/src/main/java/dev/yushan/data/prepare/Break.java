package dev.yushan.data.prepare;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// Where a text can be cut, from the best place to the worst. None is within a heading or between a
/// heading and what it is of.
enum Break {
  /// The end of a line with which a sentence ends, blank lines, or a heading begins. A line that
  /// ends otherwise may have been cut at a fixed width, in mid-sentence.
  PARAGRAPH {
    @Override
    int after(String text, int i) {
      if (text.charAt(i) != '\n') {
        return NONE;
      }
      int next = afterBlank(text, i + 1);
      boolean blank = text.indexOf('\n', i + 1) < next && text.indexOf('\n', i + 1) >= 0;
      return blank || endsSentence(text, i) || isHeading(text, next) ? next : NONE;
    }
  },
  SENTENCE {
    @Override
    int after(String text, int i) {
      if (ENDS.indexOf(text.charAt(i)) < 0) {
        return NONE;
      }
      int end = past(text, i + 1, ENDS + CLOSERS);
      int next = past(text, end, " \t\u3000\n");
      boolean apart = next > end || end == text.length();
      return switch (text.charAt(i)) {
        case '.' -> apart && !goesOn(text, next) ? next : NONE;
        case '!', '?', ';' -> apart || text.charAt(end) >= FIRST_WIDE ? next : NONE;
        default -> next;
      };
    }
  },
  LINE {
    @Override
    int after(String text, int i) {
      return text.charAt(i) == '\n' ? i + 1 : NONE;
    }
  },
  CLAUSE {
    @Override
    int after(String text, int i) {
      if ("，、：,:".indexOf(text.charAt(i)) < 0) {
        return NONE;
      }
      int end = past(text, i + 1, "，、：,:" + CLOSERS);
      boolean number = end < text.length() && Character.isDigit(text.charAt(end));
      return number && text.charAt(i) < FIRST_WIDE ? NONE : end;
    }
  },
  WORD {
    @Override
    int after(String text, int i) {
      return " \t\u3000".indexOf(text.charAt(i)) < 0 ? NONE : past(text, i + 1, " \t\u3000");
    }
  };

  private static final int NONE = -1;
  private static final String ENDS = "。！？；!?;….";
  private static final String CLOSERS = "」』”’）)\"";

  /// From here on characters are set in full-width squares.
  private static final char FIRST_WIDE = '\u2E80';

  /// The longest heading there is, in characters.
  private static final int LONGEST = 80;

  private static final Pattern HEADING =
      Pattern.compile(
          "\\s*(#{1,6} .*"
              + "|第\\s*[\\d○〇零一二三四五六七八九十百千]+(\\s*[-－]\\s*\\d+)?\\s*[條章節編篇款目部卷](\\s*之\\s*[\\d一二三四五六七八九十]+)?(\\s*[（(][^）)]*[）)]|["
              + " 　]+\\S.*)?|附[表件錄]\\s*[\\d一二三四五六七八九十]*|\\d{1,4}|[一二三四五六七八九十]{1,3}"
              + "|(?i:article|chapter|section|part|title|appendix|annex)\\s+"
              + "([\\dIVXLC]+(-\\d+)?|(?i:one|two|three|four|five|six|seven|eight|nine|ten))\\b[.:]?"
              + "(?![^.]*[,;])[^.]*)\\s*");

  private static final Pattern NUMERAL = Pattern.compile("\\s*(\\d+|[一二三四五六七八九十]+)\\s*");

  /// Where the next part begins if a place to cut is at `i`, else [#NONE].
  abstract int after(String text, int i);

  /// The parts between the places there are.
  List<String> cut(String text) {
    List<String> parts = new ArrayList<>();
    int start = 0;
    int lineStart = 0;
    int heading = headingEnd(text, 0);
    for (int i = 0; i < text.length(); i++) {
      if (i > 0 && text.charAt(i - 1) == '\n' && i > lineStart) {
        lineStart = i;
        heading = i >= heading ? headingEnd(text, i) : heading;
      }
      int next = i < heading ? NONE : after(text, i);
      if (next != NONE && next < text.length()) {
        parts.add(text.substring(start, next));
        start = next;
        i = next - 1;
      }
    }
    if (start < text.length()) {
      parts.add(text.substring(start));
    }
    return parts;
  }

  /// Where the headings end that begin at the line at `start`, with blank lines; `start` for none.
  private static int headingEnd(String text, int start) {
    int end = start;
    while (isHeading(text, end)) {
      end = afterBlank(text, lineEnd(text, end) + 1);
    }
    return end;
  }

  /// Whether a line is one at `start`. Numbers one below the other are a column of a table.
  private static boolean isHeading(String text, int start) {
    if (start >= text.length()) {
      return false;
    }
    int end = lineEnd(text, start);
    if (end - start > LONGEST || endsSentence(text, end)) {
      return false;
    }
    String line = text.substring(start, end);
    if (!HEADING.matcher(line).matches()) {
      return false;
    }
    int next = afterBlank(text, end + 1);
    return next >= text.length()
        || !NUMERAL.matcher(line).matches()
        || !NUMERAL.matcher(text.substring(next, lineEnd(text, next))).matches();
  }

  private static int lineEnd(String text, int start) {
    int end = text.indexOf('\n', start);
    return end < 0 ? text.length() : end;
  }

  /// The beginning of the first line from `start` on that is not blank.
  private static int afterBlank(String text, int start) {
    int line = Math.min(start, text.length());
    for (int i = line; i < text.length() && Character.isWhitespace(text.charAt(i)); i++) {
      line = text.charAt(i) == '\n' ? i + 1 : line;
    }
    return line;
  }

  /// Whether a sentence ends before `end`, but for spaces and what closes it.
  private static boolean endsSentence(String text, int end) {
    int i = end - 1;
    while (i >= 0 && (CLOSERS + " \t\r\u3000").indexOf(text.charAt(i)) >= 0) {
      i--;
    }
    return i >= 0 && ENDS.indexOf(text.charAt(i)) >= 0;
  }

  private static int past(String text, int start, String characters) {
    int end = start;
    while (end < text.length() && characters.indexOf(text.charAt(end)) >= 0) {
      end++;
    }
    return end;
  }

  /// Whether what comes after a point is no beginning of a sentence: `e.g. this`, `No. 5`.
  private static boolean goesOn(String text, int i) {
    return i < text.length()
        && (Character.isLowerCase(text.charAt(i)) || Character.isDigit(text.charAt(i)));
  }
}
