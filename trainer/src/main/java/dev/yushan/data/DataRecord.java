package dev.yushan.data;

/// What one record of a data file holds, as [Records] reads it.
public sealed interface DataRecord {
  /// Where it is, for messages: `corpus.jsonl line 17`.
  String place();

  /// A text, perhaps empty.
  record Text(String place, String text) implements DataRecord {}

  /// Token ids.
  ///
  /// @param labels one for each id, −100 where it is not to be predicted; none at all where every
  ///   id is its own label
  record Ids(String place, int[] ids, int[] labels) implements DataRecord {}
}
