package dev.yushan.data.hygiene;

/// What kind of character a UTF-16 unit is, by table.
final class CharClass {
  /// White space, invisible characters, and the rules of tables (┌─┬┐): layout, not text.
  static final byte SPACE = 0;

  static final byte HAN = 1;

  /// Letters of alphabets, kana, bopomofo, hangul and the marks on them.
  static final byte LETTER = 2;

  static final byte LATIN = 3;
  static final byte DIGIT = 4;

  /// What sentences are built with: commas, brackets, quotation marks, dashes.
  static final byte PUNCTUATION = 5;

  /// Everything else one can see: mathematics, currency, emoji, `#`, `*`, `_`, `|`.
  static final byte SYMBOL = 6;

  /// U+FFFD, noncharacters and controls: what is left of bytes decoded wrongly.
  static final byte BROKEN = 7;

  /// No Han character of the basic plane is below it (radicals apart).
  static final char FIRST_HAN = '\u3005';

  private static final byte[] CLASSES = classes();

  private CharClass() {}

  static byte of(char c) {
    return CLASSES[c];
  }

  private static byte[] classes() {
    byte[] classes = new byte[1 << 16];
    for (int c = 0; c < classes.length; c++) {
      classes[c] = classify((char) c);
    }
    return classes;
  }

  private static byte classify(char c) {
    // A surrogate pair counts by its first unit: planes 2 and 3 are Han, others mostly emoji.
    if (Character.isHighSurrogate(c)) {
      return c >= '\uD840' && c <= '\uD8BF' ? HAN : SYMBOL;
    }
    if (Character.isLowSurrogate(c) || Character.isWhitespace(c) || Character.isSpaceChar(c)) {
      return SPACE;
    }
    if (c >= '\u2500' && c <= '\u257F') {
      return SPACE;
    }
    if (c == '\uFFFD' || Character.isISOControl(c) || (c & 0xFFFE) == 0xFFFE) {
      return BROKEN;
    }
    if (Character.isIdeographic(c) || c == '々') {
      return HAN;
    }
    if (Character.isDigit(c)) {
      return DIGIT;
    }
    if (Character.isLetter(c)) {
      return Character.UnicodeScript.of(c) == Character.UnicodeScript.LATIN ? LATIN : LETTER;
    }
    if ("#*_|@&\\/%•".indexOf(c) >= 0) {
      return SYMBOL;
    }
    return switch (Character.getType(c)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          PUNCTUATION;
      case Character.NON_SPACING_MARK,
          Character.COMBINING_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.LETTER_NUMBER,
          Character.OTHER_NUMBER ->
          LETTER;
      case Character.FORMAT -> SPACE;
      default -> SYMBOL;
    };
  }
}
