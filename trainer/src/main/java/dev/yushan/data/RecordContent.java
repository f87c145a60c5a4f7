package dev.yushan.data;

import static java.nio.charset.StandardCharsets.UTF_8;

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
  ///
  /// @param text the beginning of what is there: a line or a row as it is, else the columns that
  ///   hold text; empty where there is none
  record Bad(String why, String text) implements RecordContent {
    /// Of `text` so many characters are kept.
    private static final int LONGEST = 4096;

    public Bad {
      text = text.length() > LONGEST ? text.substring(0, LONGEST) + "…" : text;
      text = new String(text.getBytes(UTF_8), UTF_8); // without halves of surrogate pairs
    }

    Bad(String why) {
      this(why, "");
    }
  }
}
