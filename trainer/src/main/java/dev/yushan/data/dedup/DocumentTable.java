package dev.yushan.data.dedup;

import java.util.Arrays;

/// An open-addressing table of document numbers, 8 to 16 bytes a document; who compares knows the
/// keys.
final class DocumentTable {
  static final int NONE = -1;

  /// Whether two documents have the same key.
  @FunctionalInterface
  interface SameKey {
    boolean test(int a, int b);
  }

  private final int[] slots;
  private final SameKey same;

  DocumentTable(int documents, SameKey same) {
    slots = new int[(int) Math.min(1L << 30, Long.highestOneBit(2L * documents + 1) << 1)];
    Arrays.fill(slots, NONE);
    this.same = same;
  }

  /// Puts `document` under its key, whose hash is `hash`, and returns what was there, or [#NONE].
  int replace(int document, long hash) {
    int at = (int) Mix.mix(hash) & (slots.length - 1);
    while (slots[at] != NONE && !same.test(slots[at], document)) {
      at = (at + 1) & (slots.length - 1);
    }
    int former = slots[at];
    slots[at] = document;
    return former;
  }
}
