package dev.yushan.text;

import java.text.Normalizer;
import java.util.BitSet;

/// Unicode normalization form C as Hugging Face tokenizers have it: by the tables of Unicode 9,
/// while those of JDK 25 are of Unicode 16. A mark or composite added since is an ordinary
/// character there: it neither moves nor combines, and marks do not move across it. On all other
/// text the two agree, for normalization of assigned characters never changes.
final class Nfc {
  // Later than Unicode 9, with a combining class or part of a composition: first, last, first, …
  private static final int[] RANGES = {
    0x07fd, 0x07fd, 0x0897, 0x089f, 0x08ca, 0x08d3, 0x09fe, 0x09fe, 0x0c3c, 0x0c3c,
    0x0d3b, 0x0d3c, 0x0eba, 0x0eba, 0x1715, 0x1715, 0x1abf, 0x1ace, 0x1df6, 0x1dfa,
    0xa82c, 0xa82c, 0x105c9, 0x105c9, 0x105d2, 0x105d2, 0x105da, 0x105da, 0x105e4, 0x105e4,
    0x10d24, 0x10d27, 0x10d69, 0x10d6d, 0x10eab, 0x10eac, 0x10efd, 0x10eff, 0x10f46, 0x10f50,
    0x10f82, 0x10f85, 0x11070, 0x11070, 0x1133b, 0x1133b, 0x11382, 0x11385, 0x1138b, 0x1138b,
    0x1138e, 0x1138e, 0x11390, 0x11391, 0x113b8, 0x113b8, 0x113bb, 0x113bb, 0x113c2, 0x113c2,
    0x113c5, 0x113c5, 0x113c7, 0x113c9, 0x113ce, 0x113d0, 0x1145e, 0x1145e, 0x11839, 0x1183a,
    0x11930, 0x11930, 0x11935, 0x11935, 0x11938, 0x11938, 0x1193d, 0x1193e, 0x11943, 0x11943,
    0x119e0, 0x119e0, 0x11a34, 0x11a34, 0x11a47, 0x11a47, 0x11a99, 0x11a99, 0x11d42, 0x11d42,
    0x11d44, 0x11d45, 0x11d97, 0x11d97, 0x11f41, 0x11f42, 0x1611e, 0x16129, 0x1612f, 0x1612f,
    0x16d63, 0x16d63, 0x16d67, 0x16d6a, 0x16ff0, 0x16ff1, 0x1e08f, 0x1e08f, 0x1e130, 0x1e136,
    0x1e2ae, 0x1e2ae, 0x1e2ec, 0x1e2ef, 0x1e4ec, 0x1e4ef, 0x1e5ee, 0x1e5ef,
  };
  private static final BitSet LATER = new BitSet();

  static {
    for (int i = 0; i < RANGES.length; i += 2) {
      LATER.set(RANGES[i], RANGES[i + 1] + 1);
    }
  }

  private Nfc() {}

  static String normalize(String text) {
    if (Normalizer.isNormalized(text, Normalizer.Form.NFC)
        && text.codePoints().noneMatch(LATER::get)) {
      return text;
    }
    StringBuilder normal = new StringBuilder(text.length());
    int start = 0;
    for (int at = 0, width; at < text.length(); at += width) {
      int c = text.codePointAt(at);
      width = Character.charCount(c);
      if (LATER.get(c)) {
        normal.append(Normalizer.normalize(text.substring(start, at), Normalizer.Form.NFC));
        normal.appendCodePoint(c);
        start = at + width;
      }
    }
    return normal
        .append(Normalizer.normalize(text.substring(start), Normalizer.Form.NFC))
        .toString();
  }
}
