package dev.yushan.data.dedup;

/// What of a document is needed to find its duplicates.
///
/// @param hashHigh the first 64 of 128 bits of a hash of the normalised text
/// @param hashLow the other 64
/// @param shingles how many different n-grams it has, at least one
/// @param bandKeys a hash of the MinHash values of each band, `[bands]`
public record Signature(long hashHigh, long hashLow, int shingles, long[] bandKeys) {}
