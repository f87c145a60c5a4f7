package dev.yushan.data.dedup;

import java.util.Arrays;
import java.util.SplittableRandom;

/// Any number of documents of 250 to 350 Han characters, each a function of seed and number: of 20
/// neighbours, one is an exact duplicate of an earlier document, two are near duplicates (Jaccard
/// about 0.9), two are of a family that shares 200 of 264 characters (Jaccard about 0.6), the
/// others have nothing in common.
record GeneratedCorpus(long seed) implements TextLookup {
  private static final int FIRST_HAN = 0x4E00;
  private static final int HAN = 20_000;

  /// What document `d` is.
  enum Kind {
    EXACT,
    NEAR,
    FAMILY,
    ALONE
  }

  Kind kind(int d) {
    return switch (d % 20) {
      case 7 -> Kind.EXACT;
      case 11, 12 -> Kind.NEAR;
      case 15, 16 -> Kind.FAMILY;
      default -> Kind.ALONE;
    };
  }

  /// The document that duplicate `d` was made of, one that is alone.
  int original(int d) {
    return random(-1, d).nextInt(d / 20 + 1) * 20;
  }

  @Override
  public String text(int d) {
    return new String(
        switch (kind(d)) {
          case ALONE -> alone(d);
          case EXACT -> alone(original(d));
          case NEAR -> changed(alone(original(d)), d);
          case FAMILY -> family(d);
        });
  }

  private char[] alone(int d) {
    SplittableRandom random = random(0, d);
    return han(random, 250 + random.nextInt(101));
  }

  private char[] changed(char[] text, int d) {
    SplittableRandom random = random(1, d);
    for (int i = 0; i < 3; i++) {
      text[random.nextInt(text.length)] = han(random, 1)[0];
    }
    return text;
  }

  private char[] family(int d) {
    char[] text = Arrays.copyOf(han(random(2, 0), 200), 264);
    System.arraycopy(han(random(3, d), 64), 0, text, 200, 64);
    return text;
  }

  private static char[] han(SplittableRandom random, int length) {
    char[] text = new char[length];
    for (int i = 0; i < length; i++) {
      text[i] = (char) (FIRST_HAN + random.nextInt(HAN));
    }
    return text;
  }

  private SplittableRandom random(int stream, int d) {
    return new SplittableRandom(Mix.mix(seed + stream * 0x1_0000_0000L) + d);
  }
}
