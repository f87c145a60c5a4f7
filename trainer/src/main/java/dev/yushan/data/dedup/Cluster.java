package dev.yushan.data.dedup;

import java.util.List;

/// A kept document and those removed for it.
///
/// @param removed in order, at least one
public record Cluster(int kept, List<Removed> removed) {
  public Cluster {
    removed = List.copyOf(removed);
  }

  /// A removed document: [Decision.Exact] or [Decision.Near].
  public record Removed(int document, Decision decision) {}
}
