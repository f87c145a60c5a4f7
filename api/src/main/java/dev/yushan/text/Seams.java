package dev.yushan.text;

/// Borders of characters that no merge ever crosses: a piece can be cut there and its parts merged
/// by themselves. Four of five borders in Chinese law text are such with the merges of Llama 3.
///
/// A merge crosses a border only if what it joins ends with (the end of) the character in front and
/// begins with (the beginning of) the one behind. All that merges have there is kept in a set of
/// hashes; one too many only spares a cut. A character is its UTF-8 bytes in an int, an end its
/// last byte, a beginning its first.
final class Seams {
  private static final int BITS = 19;

  private final long[] met = new long[1 << BITS - 6];

  /// Keeps what a merge has at the border of its two tokens: `bytes` up to `border`, and from there
  /// up to `end`.
  void add(byte[] bytes, int border, int end) {
    byte first = bytes[border];
    if (isInside(first)) {
      return; // not a border of characters
    }
    int start = border - 1;
    while (start > 0 && isInside(bytes[start])) {
      start--;
    }
    int left = isInside(bytes[start]) ? bytes[border - 1] & 0xff : pack(bytes, start, border);
    int width = width(first);
    int right = end - border < width ? first & 0xff : pack(bytes, border, border + width);
    int bit = bit(left, right);
    met[bit >>> 6] |= 1L << bit;
  }

  /// Whether no merge joins the character `left` or its end with `right` or its beginning.
  boolean cut(int left, int right) {
    int end = left & 0xff;
    // Lead bytes have their highest bit set, so this leaves one byte; ASCII is one already.
    int begin = right >>> Math.max(0, 24 - Integer.numberOfLeadingZeros(right));
    return !(meet(left, right) || meet(left, begin) || meet(end, right) || meet(end, begin));
  }

  private boolean meet(int left, int right) {
    int bit = bit(left, right);
    return (met[bit >>> 6] & 1L << bit) != 0;
  }

  private static int bit(int left, int right) {
    return (int) (((long) left << 32 | right & 0xffff_ffffL) * 0x9E3779B97F4A7C15L >>> 64 - BITS);
  }

  /// Whether `b` continues a character.
  private static boolean isInside(byte b) {
    return (b & 0xc0) == 0x80;
  }

  /// Bytes of the character that begins with `first`.
  static int width(byte first) {
    return first >= 0 ? 1 : Math.max(2, Integer.numberOfLeadingZeros(~(first << 24)));
  }

  static int pack(byte[] bytes, int from, int to) {
    int packed = 0;
    for (int i = from; i < to; i++) {
      packed = packed << 8 | bytes[i] & 0xff;
    }
    return packed;
  }
}
