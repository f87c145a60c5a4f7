package dev.yushan.data;

import java.util.Optional;

/// What one record of a data file holds, as [Records] reads it.
public sealed interface DataRecord {
  /// Where it is, for messages: `corpus.jsonl line 17`.
  String place();

  /// A text, perhaps empty.
  ///
  /// @param id what the column [SourceConfig#idColumn] has; none where that names none, in `.txt`
  ///   files, and where the text is empty
  record Text(String place, String text, Optional<String> id) implements DataRecord {
    /// A text without an id.
    public Text(String place, String text) {
      this(place, text, Optional.empty());
    }
  }

  /// Token ids.
  ///
  /// @param labels one for each id, −100 where it is not to be predicted; none at all where every
  ///   id is its own label
  record Ids(String place, int[] ids, int[] labels) implements DataRecord {}
}
