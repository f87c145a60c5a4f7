package dev.yushan.data.hygiene;

import dev.yushan.data.DataException;

/// How the script of a document is judged, and what follows.
///
/// @param minUnique with fewer characters that only one script has, the script is unknown
/// @param mixedRatio the share of the rarer script, of the characters that only one script has,
///   from which on a text is mixed: above 0, at most 0.5
/// @param onSimplified what becomes of simplified documents
/// @param onMixed what becomes of mixed ones
/// @param convertWords whether conversion also puts Taiwan's words for those of the mainland; it
///   takes 程序 for a program where a law means procedure
/// @param countAmbiguous whether words that Taiwan uses too, in another sense or seldom, count as
///   mainland vocabulary
/// @param maxKana the share of kana in the letters (Han characters among them) above which a
///   document is Japanese and dropped; 1 drops none
/// @param maxHangul the same of Hangul and Korean
public record ScriptConfig(
    int minUnique,
    double mixedRatio,
    ScriptAction onSimplified,
    ScriptAction onMixed,
    boolean convertWords,
    boolean countAmbiguous,
    double maxKana,
    double maxHangul) {
  public static final ScriptConfig DEFAULTS =
      new ScriptConfig(8, 0.02, ScriptAction.DROP, ScriptAction.CONVERT, false, false, 0.25, 0.25);

  public ScriptConfig {
    if (minUnique < 1) {
      throw new DataException(
          "min_unique: " + minUnique + " is less than 1; give 1 or more (characters)");
    }
    if (!(mixedRatio > 0 && mixedRatio <= 0.5)) {
      throw new DataException(
          "mixed_ratio: " + mixedRatio + " is not above 0 and at most 0.5 (a share of characters)");
    }
    checkShare("max_kana", maxKana);
    checkShare("max_hangul", maxHangul);
  }

  private static void checkShare(String key, double share) {
    if (!(share >= 0 && share <= 1)) {
      throw new DataException(key + ": " + share + " is not from 0 to 1 (a share of letters)");
    }
  }

  /// What becomes of a document in this script. Traditional and unknown ones are kept.
  public ScriptAction action(Script script) {
    return switch (script) {
      case SIMPLIFIED -> onSimplified;
      case MIXED -> onMixed;
      case TRADITIONAL, UNKNOWN -> ScriptAction.KEEP;
    };
  }
}
