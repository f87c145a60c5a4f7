package dev.yushan.data.hygiene;

import java.util.Optional;

/// Tells text in Japanese and Korean, which Han characters alone do not: Japanese has most of those
/// that both Chinese scripts share.
public final class ForeignScript {
  private ForeignScript() {}

  /// @param name `japanese` or `korean`
  /// @param share of kana or Hangul in the letters of the text
  public record Found(String name, double share) {}

  /// What `text` is, if it has more kana or Hangul than allowed.
  public static Optional<Found> find(String text, ScriptConfig config) {
    int kana = 0;
    int hangul = 0;
    int letters = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      byte type = CharClass.of(c);
      if (type != CharClass.HAN && type != CharClass.LETTER && type != CharClass.LATIN) {
        continue;
      }
      letters++;
      if (type == CharClass.LETTER && c >= '\u1100') {
        kana += isKana(c) ? 1 : 0;
        hangul += isHangul(c) ? 1 : 0;
      }
    }
    if (kana > config.maxKana() * letters) {
      return Optional.of(new Found("japanese", (double) kana / letters));
    }
    return hangul > config.maxHangul() * letters
        ? Optional.of(new Found("korean", (double) hangul / letters))
        : Optional.empty();
  }

  private static boolean isKana(char c) {
    return (c >= '\u3041' && c <= '\u30FF') || (c >= '\uFF66' && c <= '\uFF9F');
  }

  private static boolean isHangul(char c) {
    return (c >= '\uAC00' && c <= '\uD7A3')
        || (c >= '\u1100' && c <= '\u11FF')
        || (c >= '\u3131' && c <= '\u318E');
  }
}
