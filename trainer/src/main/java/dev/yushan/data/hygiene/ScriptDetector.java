package dev.yushan.data.hygiene;

import java.util.List;

/// Tells traditional from simplified script by the characters that only one of them has.
///
/// The table (`script-characters.txt`) is made from the character dictionaries of opencc4j (those
/// of OpenCC, Apache License 2.0) and two charsets of the JDK, by a program among the tests, and
/// compared with them there. A character is
///
/// - simplified only, if OpenCC maps it to others but never to itself, nothing maps to it, and the
///   charset of Taiwan (Big5 as Windows has it) lacks it;
/// - traditional only, if OpenCC maps it to others but never to itself, nothing maps to it, and GB
///   2312 lacks it.
///
/// So 台 里 后 干 面 只 云 并 着 群, which traditional texts use as well, count on neither side. Only
/// characters of the basic plane are in the table.
public final class ScriptDetector {
  private static final byte TRADITIONAL = 1;
  private static final byte SIMPLIFIED = 2;
  private static final byte[] SIDE = sides(Resources.lines("script-characters.txt"));

  private ScriptDetector() {}

  /// The script of `text`, one pass.
  public static ScriptProfile profile(String text, ScriptConfig config) {
    int[] counts = new int[3];
    int han = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= CharClass.FIRST_HAN) {
        counts[SIDE[c]]++;
        han += CharClass.of(c) == CharClass.HAN ? 1 : 0;
      }
    }
    return new ScriptProfile(
        judge(counts[TRADITIONAL], counts[SIMPLIFIED], config),
        counts[TRADITIONAL],
        counts[SIMPLIFIED],
        han);
  }

  static boolean isSimplified(char c) {
    return SIDE[c] == SIMPLIFIED;
  }

  static boolean isTraditional(char c) {
    return SIDE[c] == TRADITIONAL;
  }

  private static Script judge(int traditional, int simplified, ScriptConfig config) {
    int unique = traditional + simplified;
    if (unique < config.minUnique()) {
      return Script.UNKNOWN;
    }
    if (Math.min(traditional, simplified) >= config.mixedRatio() * unique) {
      return Script.MIXED;
    }
    return traditional > simplified ? Script.TRADITIONAL : Script.SIMPLIFIED;
  }

  private static byte[] sides(List<String> lines) {
    byte[] sides = new byte[1 << 16];
    byte side = 0;
    for (String line : lines) {
      switch (line) {
        case "[traditional]" -> side = TRADITIONAL;
        case "[simplified]" -> side = SIMPLIFIED;
        default -> {
          for (char c : line.toCharArray()) {
            sides[c] = side;
          }
        }
      }
    }
    return sides;
  }
}
