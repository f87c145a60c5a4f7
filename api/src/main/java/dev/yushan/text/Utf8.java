package dev.yushan.text;

/// UTF-8 to text where every maximal ill-formed part becomes one U+FFFD, as the Unicode Standard
/// recommends (section 3.9, table 3-7) and the libraries in Rust do. The decoder of the JDK groups
/// some ill-formed bytes, such as the beginning of a surrogate, in another way.
final class Utf8 {
  private static final char REPLACEMENT = '\uFFFD';

  private Utf8() {}

  /// Appends the text of `bytes` to `out`; returns how many bytes were used. All are, unless they
  /// end within a character and `last` is false.
  static int decode(byte[] bytes, boolean last, StringBuilder out) {
    int at = 0;
    while (at < bytes.length) {
      int first = bytes[at] & 0xFF;
      int length = length(first);
      int have = 1;
      while (have < length
          && at + have < bytes.length
          && continues(first, have, bytes[at + have])) {
        have++;
      }
      if (have == length) {
        out.appendCodePoint(codePoint(bytes, at, length));
      } else if (at + have == bytes.length && have < length && length > 1 && !last) {
        return at;
      } else {
        out.append(REPLACEMENT);
      }
      at += have;
    }
    return at;
  }

  /// Bytes of the character that begins with `first`; 0 if none does.
  private static int length(int first) {
    if (first < 0x80) {
      return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
      return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  }

  /// Whether `next` may stand at place `index` of a character that begins with `first`.
  private static boolean continues(int first, int index, byte next) {
    int value = next & 0xFF;
    int low = 0x80;
    int high = 0xBF;
    if (index == 1) {
      low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : low;
      high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : high;
    }
    return value >= low && value <= high;
  }

  private static int codePoint(byte[] bytes, int at, int length) {
    int value = bytes[at] & (length == 1 ? 0x7F : 0xFF >> (length + 1));
    for (int i = 1; i < length; i++) {
      value = value << 6 | bytes[at + i] & 0x3F;
    }
    return value;
  }
}
