package dev.yushan.data.dedup;

/// What becomes of a document.
public sealed interface Decision {
  /// It stays.
  record Kept() implements Decision {}

  /// It goes: its normalised text is that of the kept document `of`, which is earlier.
  record Exact(int of) implements Decision {}

  /// It goes: its n-grams are those of the kept document `of`, which is earlier, to the Jaccard
  /// similarity `jaccard`.
  record Near(int of, double jaccard) implements Decision {}
}
