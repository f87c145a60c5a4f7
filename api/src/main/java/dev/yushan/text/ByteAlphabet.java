package dev.yushan.text;

import java.util.Arrays;

/// The byte-level alphabet of GPT-2 and its heirs, in which `vocab` and `merges` are written: one
/// printable character for each byte. Printable Latin-1 bytes stand for themselves, the other 68
/// become U+0100, U+0101, … in byte order (a space is `Ġ`).
final class ByteAlphabet {
  private static final char[] CHAR_OF = new char[256];
  private static final short[] BYTE_OF = new short[256 + 68];
  private static final String ORDER;

  static {
    Arrays.fill(BYTE_OF, (short) -1);
    char next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = b > 32 && b < 127 || b > 160 && b != 173;
      CHAR_OF[b] = printable ? (char) b : next++;
      BYTE_OF[CHAR_OF[b]] = (short) b;
    }
    char[] sorted = CHAR_OF.clone();
    Arrays.sort(sorted);
    ORDER = new String(sorted);
  }

  private ByteAlphabet() {}

  /// The 256 characters in code point order, which is the order of the first 256 ids of GPT-2.
  static String order() {
    return ORDER;
  }

  static String encode(byte[] bytes) {
    char[] chars = new char[bytes.length];
    for (int i = 0; i < chars.length; i++) {
      chars[i] = CHAR_OF[bytes[i] & 0xff];
    }
    return new String(chars);
  }

  /// Writes the bytes of `token`, one of a character each, to the beginning of `bytes`; returns
  /// whether they are all in the alphabet.
  static boolean decode(String token, byte[] bytes) {
    for (int i = 0; i < token.length(); i++) {
      char c = token.charAt(i);
      if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
        return false;
      }
      bytes[i] = (byte) BYTE_OF[c];
    }
    return true;
  }
}
