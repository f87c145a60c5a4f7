package dev.yushan.data.hygiene;

/// The script of a text, and what it was judged by.
///
/// @param traditional characters that only traditional script has
/// @param simplified characters that only simplified script has
/// @param han all Han characters, most of which both have
public record ScriptProfile(Script script, int traditional, int simplified, int han) {
  /// The share of the simplified among the characters that only one script has; 0 without any.
  public double simplifiedRatio() {
    int unique = traditional + simplified;
    return unique == 0 ? 0 : (double) simplified / unique;
  }
}
