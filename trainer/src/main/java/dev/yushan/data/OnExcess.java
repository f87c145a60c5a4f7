package dev.yushan.data;

/// What happens to a document longer than `cutoff_len` (key `on_excess`).
public enum OnExcess {
  /// It is left out and counted: what the model card of Llama-3.2-Taiwan describes.
  DROP,
  /// It is cut into pieces of `cutoff_len` tokens; the last may be shorter. BOS stays at the
  /// beginning of the first piece, EOS at the end of the last.
  SPLIT,
  /// The run stops and names the first one.
  FAIL;

  /// The constant for a configuration value.
  public static OnExcess of(String value) {
    return Choice.of("on_excess", OnExcess.class, value);
  }
}
