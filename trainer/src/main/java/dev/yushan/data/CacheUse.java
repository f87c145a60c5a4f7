package dev.yushan.data;

/// How much of a dataset was found in the cache.
///
/// @param reusedShards shards found, whole
/// @param tokenizedShards shards made in this run
/// @param damagedShards those of the latter that were found but damaged
public record CacheUse(int reusedShards, int tokenizedShards, int damagedShards) {}
