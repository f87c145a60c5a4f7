package dev.yushan.data.format;

import static java.lang.Character.COMBINING_SPACING_MARK;
import static java.lang.Character.ENCLOSING_MARK;
import static java.lang.Character.NON_SPACING_MARK;

/// What a character is to the rules. Kinds are small numbers, so that a set of them is the bits of
/// an `int` and a line of them a `byte[]`; the kinds of all characters are one table.
final class Kind {
  /// What no rule looks at: emoji, dashes, curly quotes, other scripts.
  static final byte OTHER = 0;

  /// Han characters, kana and bopomofo: what is set in full-width squares.
  static final byte HAN = 1;

  /// Letters set half-width, with Greek, Cyrillic and Roman numeral signs.
  static final byte LATIN = 2;

  static final byte DIGIT = 3;
  static final byte SPACE = 4;
  static final byte TAB = 5;

  /// （「『《〈【〔
  static final byte FULL_OPEN = 6;

  /// ）」』》〉】〕
  static final byte FULL_CLOSE = 7;

  /// ，。、；：？！
  static final byte FULL_POINT = 8;

  /// `, . ; : ? !`
  static final byte POINT = 9;

  static final byte OPEN = 10;
  static final byte CLOSE = 11;
  static final byte QUOTE = 12;

  /// `& + = | < >`
  static final byte OPERATOR = 13;

  /// What ASCII has beside.
  static final byte SYMBOL = 14;

  /// Full-width letters and digits.
  static final byte WIDE = 15;

  /// Full-width signs that stand between letters and digits: ．／－＋＝＆＠＿％
  static final byte WIDE_SYMBOL = 16;

  static final byte WIDE_SPACE = 17;

  /// Spaces of other widths, and the one that does not break.
  static final byte ODD_SPACE = 18;

  static final byte CONTROL = 19;

  /// Of no width: joiners, direction marks, the byte order mark, soft hyphens.
  static final byte INVISIBLE = 20;

  /// Parts of drawn tables.
  static final byte BOX = 21;

  /// Small and vertical forms of punctuation, of which Big5 had some.
  static final byte SMALL = 22;

  /// Part of a [Span] that is spaced from Han characters as a word is.
  static final byte SPAN = 23;

  /// Part of a [Span] that is not spaced from anything.
  static final byte MARKUP = 24;

  /// Beyond either end of a line.
  static final byte EDGE = 25;

  /// A mark on the character before it, whose kind it takes.
  static final byte MARK = 26;

  static final int WORD = set(LATIN, DIGIT);
  static final int FULL = set(FULL_OPEN, FULL_CLOSE, FULL_POINT);

  /// What is taken out, whatever is beside it.
  static final int GOING = set(CONTROL, INVISIBLE);

  private static final byte[] TABLE = table();

  private Kind() {}

  /// The set of `kinds`.
  static int set(byte... kinds) {
    int set = 0;
    for (byte kind : kinds) {
      set |= 1 << kind;
    }
    return set;
  }

  static boolean in(byte kind, int set) {
    return (1 << kind & set) != 0;
  }

  static byte of(char c) {
    return TABLE[c];
  }

  /// The kind of a character that takes two `char`s, told by the first of them.
  static byte ofPair(char high) {
    if (high >= 0xD840 && high <= 0xD8BF) {
      return HAN; // the planes of ideographs, U+20000 to U+3FFFF
    }
    return high == 0xDB40 ? MARK : OTHER; // variation selectors and tags
  }

  private static byte[] table() {
    byte[] kinds = new byte[1 << 16];
    for (int c = 0; c < kinds.length; c++) {
      kinds[c] = byCategory(c);
    }
    range(kinds, 0x000A, 0x000D, OTHER); // ends of lines
    range(kinds, 0x0085, 0x0085, OTHER);
    range(kinds, 0x2E80, 0x2FDF, HAN);
    range(kinds, 0x3005, 0x3007, HAN);
    range(kinds, 0x3021, 0x3029, HAN);
    range(kinds, 0x3041, 0x3096, HAN);
    range(kinds, 0x30A1, 0x30FA, HAN);
    range(kinds, 0x30FC, 0x30FF, HAN);
    range(kinds, 0x3105, 0x312F, HAN);
    range(kinds, 0x31A0, 0x31FF, HAN);
    range(kinds, 0x3200, 0x32FF, HAN);
    range(kinds, 0x3400, 0x4DBF, HAN);
    range(kinds, 0x4E00, 0x9FFF, HAN);
    range(kinds, 0xF900, 0xFAFF, HAN);
    range(kinds, 0x2500, 0x257F, BOX);
    range(kinds, 0x200B, 0x200F, INVISIBLE);
    range(kinds, 0x202A, 0x202E, INVISIBLE);
    range(kinds, 0x2060, 0x206F, INVISIBLE);
    range(kinds, 0xFE30, 0xFE30, SMALL);
    range(kinds, 0xFE50, 0xFE5E, SMALL);
    range(kinds, 0xFF10, 0xFF19, WIDE);
    range(kinds, 0xFF21, 0xFF3A, WIDE);
    range(kinds, 0xFF41, 0xFF5A, WIDE);
    all(kinds, "\u00AD\uFEFF\u180E", INVISIBLE);
    all(kinds, "（「『《〈【〔", FULL_OPEN);
    all(kinds, "）」』》〉】〕", FULL_CLOSE);
    all(kinds, "，。、；：？！", FULL_POINT);
    all(kinds, ",.;:?!", POINT);
    all(kinds, "([{", OPEN);
    all(kinds, ")]}", CLOSE);
    all(kinds, "\"", QUOTE);
    all(kinds, "&+=|<>", OPERATOR);
    all(kinds, "#$%'*-/@\\^_`~", SYMBOL);
    all(kinds, "．／－＋＝＆＠＿％", WIDE_SYMBOL);
    all(kinds, " ", SPACE);
    all(kinds, "\t", TAB);
    all(kinds, "\u3000", WIDE_SPACE);
    return kinds;
  }

  private static byte byCategory(int c) {
    if (c >= '0' && c <= '9') {
      return DIGIT;
    }
    int category = Character.getType(c);
    if (category == NON_SPACING_MARK
        || category == ENCLOSING_MARK
        || category == COMBINING_SPACING_MARK) {
      return MARK;
    }
    if (category == Character.CONTROL) {
      return CONTROL;
    }
    if (category == Character.SPACE_SEPARATOR) {
      return ODD_SPACE;
    }
    boolean latin =
        (c < 0x0530 || (c >= 0x1E00 && c <= 0x1FFF) || (c >= 0x2150 && c <= 0x218F))
            && (Character.isLetter(c) || category == Character.LETTER_NUMBER || c >= 0x2150);
    return latin ? LATIN : OTHER;
  }

  private static void range(byte[] kinds, int first, int last, byte kind) {
    for (int c = first; c <= last; c++) {
      kinds[c] = kind;
    }
  }

  private static void all(byte[] kinds, String characters, byte kind) {
    characters.chars().forEach(c -> kinds[c] = kind);
  }
}
