package dev.yushan.data;

/// How documents are laid into training sequences (key `packing`).
public enum Packing {
  /// Whole documents, never split, as many as fit; no attention and no target across documents.
  BEST_FIT,
  /// One stream of all documents cut into blocks, as LLaMA-Factory does: attention and targets
  /// across boundaries.
  CONCAT,
  /// One document a row.
  NONE;

  /// The constant for a configuration value.
  public static Packing of(String value) {
    return Choice.of("packing", Packing.class, value);
  }
}
