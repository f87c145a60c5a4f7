package dev.yushan.text;

/// The splitting rule of Llama 3 without the regular expression: the same pieces at a tenth of the
/// cost. The rule matches at every place, so a text is piece after piece without gaps.
final class Llama3Split {
  /// The rule as it stands in `pre_tokenizer` of Llama 3.
  static final String REGEX =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private static final byte OTHER = 0;
  private static final byte LETTER = 1;
  private static final byte NUMBER = 2;
  private static final byte SPACE = 3;
  private static final byte NEWLINE = 4;

  private static final byte[] KINDS = new byte[Character.MIN_SUPPLEMENTARY_CODE_POINT];

  static {
    for (int c = 0; c < KINDS.length; c++) {
      KINDS[c] = kindOf(c);
    }
  }

  private Llama3Split() {}

  /// The rule, as [PreTokenizer.Rule].
  static void split(String text, int from, int to, PreTokenizer.Pieces pieces) {
    for (int start = from; start < to; ) {
      int end = end(text, start, to);
      pieces.accept(start, end);
      start = end;
    }
  }

  private static byte kindOf(int c) {
    return switch (Character.getType(c)) {
      case Character.UPPERCASE_LETTER,
          Character.LOWERCASE_LETTER,
          Character.TITLECASE_LETTER,
          Character.MODIFIER_LETTER,
          Character.OTHER_LETTER ->
          LETTER;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR ->
          SPACE;
      default ->
          c == '\r' || c == '\n' ? NEWLINE : c >= '\t' && c <= '\f' || c == 0x85 ? SPACE : OTHER;
    };
  }

  /// Where the piece that starts at `from` ends; `from` is below `to`, where the text ends.
  static int end(String text, int from, int to) {
    char first = text.charAt(from);
    byte kind = kind(text, from, to);
    if (kind == LETTER) {
      return run(LETTER, text, from, to);
    }
    if (kind == NUMBER) {
      return digits(text, from, to);
    }
    int second = from + width(text, from, to);
    byte next = second < to ? kind(text, second, to) : SPACE;
    if (first == '\'') {
      int contraction = contraction(text, from, to);
      if (contraction > 0) {
        return from + contraction;
      }
    }
    if (next == LETTER && kind != NEWLINE) {
      return run(LETTER, text, second, to);
    }
    if (kind == OTHER || first == ' ' && next == OTHER) {
      return newlines(text, run(OTHER, text, second, to), to);
    }
    return blank(text, from, to);
  }

  private static byte kind(String text, int at, int to) {
    char c = text.charAt(at);
    return width(text, at, to) == 1 ? KINDS[c] : kindOf(text.codePointAt(at));
  }

  private static int width(String text, int at, int to) {
    return Character.isHighSurrogate(text.charAt(at))
            && at + 1 < to
            && Character.isLowSurrogate(text.charAt(at + 1))
        ? 2
        : 1;
  }

  private static int run(byte kind, String text, int from, int to) {
    int at = from;
    while (at < to && kind(text, at, to) == kind) {
      at += width(text, at, to);
    }
    return at;
  }

  private static int digits(String text, int from, int to) {
    int at = from;
    for (int count = 0; count < 3 && at < to && kind(text, at, to) == NUMBER; count++) {
      at += width(text, at, to);
    }
    return at;
  }

  private static int newlines(String text, int from, int to) {
    int at = from;
    while (at < to && KINDS[text.charAt(at)] == NEWLINE) {
      at++;
    }
    return at;
  }

  /// Length of `'s`, `'ll` and the like at `from`; 0 if there is none.
  private static int contraction(String text, int from, int to) {
    char second = from + 1 < to ? lower(text.charAt(from + 1)) : 0;
    char third = from + 2 < to ? lower(text.charAt(from + 2)) : 0;
    return switch (second) {
      case 's', 't', 'm', 'd', 'ſ' -> 2;
      case 'r', 'v' -> third == 'e' ? 3 : 0;
      case 'l' -> third == 'l' ? 3 : 0;
      default -> 0;
    };
  }

  private static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
  }

  /// White space: up to its last line break, else all but the last if text follows.
  private static int blank(String text, int from, int to) {
    int end = from;
    int afterBreak = from;
    while (end < to && KINDS[text.charAt(end)] >= SPACE) {
      if (KINDS[text.charAt(end++)] == NEWLINE) {
        afterBreak = end;
      }
    }
    if (afterBreak > from) {
      return afterBreak;
    }
    return end == to || end == from + 1 ? end : end - 1;
  }
}
