package dev.yushan.data;

import java.util.Optional;

/// What one record of a source holds.
sealed interface RecordContent {
  /// A text to tokenise, and what names it where that was asked for.
  record Text(String text, Optional<String> id) implements RecordContent {}

  /// Token ids taken as they are. `labels` has one entry a token, −100 where it is no target, or
  /// none at all where every token is one.
  record Ids(int[] ids, int[] labels) implements RecordContent {
    boolean hasLabels() {
      return labels.length > 0;
    }
  }

  /// A text or list of no length.
  record Empty(String why) implements RecordContent {}

  /// A record that cannot be used, and why.
  record Bad(String why) implements RecordContent {}
}
