package dev.yushan.data;

/// How documents are laid into rows.
///
/// @param packing how (key `packing`)
/// @param sequenceLen tokens of a row (key `sequence_len`); unused for `none`
public record PackingConfig(Packing packing, int sequenceLen) {
  public PackingConfig {
    if (sequenceLen < 1) {
      throw new DataException("sequence_len: " + sequenceLen + " is less than one token");
    }
  }
}
