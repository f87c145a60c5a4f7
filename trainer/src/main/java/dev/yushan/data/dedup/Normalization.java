package dev.yushan.data.dedup;

/// What makes no difference when texts are compared. Texts are in NFC before.
///
/// @param ignoreCase whether `A` is `a` (key `ignore_case`)
/// @param ignoreWidth whether full-width `Ａ` is `A`, half-width `ｶ` is `カ` (key `ignore_width`)
/// @param ignoreSpace whether white space, control and format characters are left out (key
///   `ignore_space`)
/// @param ignorePunctuation whether punctuation (the Unicode categories P) is left out (key
///   `ignore_punctuation`)
public record Normalization(
    boolean ignoreCase, boolean ignoreWidth, boolean ignoreSpace, boolean ignorePunctuation) {
  /// Nothing of these makes a difference.
  public static final Normalization DEFAULTS = new Normalization(true, true, true, true);
}
