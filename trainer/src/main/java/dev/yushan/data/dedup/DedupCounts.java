package dev.yushan.data.dedup;

/// What a deduplication did.
///
/// @param documents all of them: kept + exact + near
/// @param verified pairs whose Jaccard similarity was computed
/// @param unrepresented kept documents that `max_representatives` left out of a band: later ones
///   may not have been compared with them. Zero: the limit changed nothing.
public record DedupCounts(
    int documents, int kept, int exact, int near, long verified, int unrepresented) {}
