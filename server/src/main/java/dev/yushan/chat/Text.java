package dev.yushan.chat;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/// Strings and numbers as Python has them.
final class Text {
  private Text() {}

  static boolean isSpace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  /// @param chars which characters go; empty for white space
  static String strip(String text, String chars, boolean left, boolean right) {
    int[] points = text.codePoints().toArray();
    int from = 0;
    int to = points.length;
    while (left && from < to && strips(points[from], chars)) {
      from++;
    }
    while (right && to > from && strips(points[to - 1], chars)) {
      to--;
    }
    return new String(points, from, to - from);
  }

  private static boolean strips(int point, String chars) {
    return chars.isEmpty() ? isSpace(point) : chars.indexOf(point) >= 0;
  }

  /// `str.split()` without a separator.
  static List<Object> words(String text, long limit) {
    List<Object> words = new ArrayList<>();
    int at = 0;
    while (true) {
      while (at < text.length() && isSpace(text.charAt(at))) {
        at++;
      }
      if (at == text.length()) {
        return words;
      }
      int end = at;
      while (end < text.length() && (words.size() == limit || !isSpace(text.charAt(end)))) {
        end++;
      }
      String word = text.substring(at, end);
      words.add(words.size() == limit ? strip(word, "", false, true) : word);
      at = end;
    }
  }

  /// `str.split(separator)`.
  static List<Object> parts(String text, String separator, long limit) {
    List<Object> parts = new ArrayList<>();
    int from = 0;
    for (int at; parts.size() != limit && (at = text.indexOf(separator, from)) >= 0; ) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  /// `str.title()`: a letter that follows no letter is capital.
  static String title(String text) {
    var out = new StringBuilder();
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      out.appendCodePoint(inside ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inside = Character.isLetter(c);
    }
    return out.toString();
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return title(text.substring(0, first)) + lower(text.substring(first));
  }

  static String lower(String text) {
    return text.toLowerCase(java.util.Locale.ROOT);
  }

  static String upper(String text) {
    return text.toUpperCase(java.util.Locale.ROOT);
  }

  /// `repr(float)`: the fewest digits that give the number back, an exponent from 1e16 and below
  /// 1e-4.
  static String number(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    var decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = decimal.precision() - decimal.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      String plain = decimal.toPlainString();
      return plain.indexOf('.') < 0 ? plain + ".0" : plain;
    }
    String digits = decimal.unscaledValue().abs().toString();
    String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
    return (value < 0 ? "-" : "")
        + digits.charAt(0)
        + fraction
        + (exponent < 0 ? "e-" : "e+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }

  /// `repr(str)`.
  static void quote(String text, StringBuilder out) {
    char mark = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(mark);
    for (int c : text.codePoints().toArray()) {
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\\' -> out.append("\\\\");
        default -> {
          if (c == mark) {
            out.append('\\').append(mark);
          } else if (printable(c)) {
            out.appendCodePoint(c);
          } else {
            out.append(
                String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
          }
        }
      }
    }
    out.append(mark);
  }

  private static boolean printable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /// What a string literal stands for. A backslash before any other character stays.
  static String unescape(String literal) {
    var out = new StringBuilder();
    for (int i = 0; i < literal.length(); i++) {
      char c = literal.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char next = literal.charAt(++i);
      int simple = "\\'\"abfnrtv".indexOf(next);
      int digits = next == 'x' ? 2 : next == 'u' ? 4 : next == 'U' ? 8 : 0;
      if (simple >= 0) {
        out.append("\\'\"\u0007\b\f\n\r\t\u000b".charAt(simple));
      } else if (digits > 0) {
        out.appendCodePoint(hex(literal, i + 1, digits));
        i += digits;
      } else if (next >= '0' && next <= '7') {
        int end = i;
        while (end < Math.min(i + 3, literal.length())
            && "01234567".indexOf(literal.charAt(end)) >= 0) {
          end++;
        }
        out.append((char) Integer.parseInt(literal.substring(i, end), 8));
        i = end - 1;
      } else if (next == 'N') {
        throw new Fault("\\N in a string is not supported; write the character itself");
      } else if (next != '\n') {
        out.append(c).append(next);
      }
    }
    return out.toString();
  }

  private static int hex(String literal, int from, int digits) {
    try {
      int point = Integer.parseInt(literal.substring(from, from + digits), 16);
      if (Character.isValidCodePoint(point)) {
        return point;
      }
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      // said below
    }
    throw new Fault("a \\x, \\u or \\U in a string needs " + digits + " hexadecimal digits");
  }
}
