package dev.yushan.data;

/// How records become documents.
///
/// @param addBos whether a text gets BOS in front (key `add_bos`)
/// @param addEos whether a text gets EOS at its end (key `add_eos`)
/// @param splitSpecialTokens whether special-token text is plain text (key `split_special_tokens`)
/// @param cutoffLen the longest document, in tokens, BOS and EOS included (key `cutoff_len`)
/// @param onExcess what happens to longer ones (key `on_excess`)
public record TokenizeConfig(
    boolean addBos, boolean addEos, boolean splitSpecialTokens, int cutoffLen, OnExcess onExcess) {
  public TokenizeConfig {
    if (cutoffLen < 1) {
      throw new DataException("cutoff_len: " + cutoffLen + " is less than one token");
    }
  }

  /// BOS and EOS, special-token text as plain text, longer documents dropped.
  public static TokenizeConfig of(int cutoffLen) {
    return new TokenizeConfig(true, true, true, cutoffLen, OnExcess.DROP);
  }
}
