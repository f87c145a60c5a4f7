package dev.yushan.data.dedup;

/// A benchmark record found in a document: the one of which most was found.
///
/// @param place where the record is: `benchmark.jsonl line 17`
/// @param overlap the share of its different n-grams that the document has
/// @param fragment the longest stretch of the document that consists of them, as it is written
///   there
/// @param start where the fragment starts in the document, in chars
public record Contamination(String place, double overlap, String fragment, int start) {}
