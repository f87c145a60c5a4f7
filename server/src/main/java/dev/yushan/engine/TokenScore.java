package dev.yushan.engine;

import java.util.List;

/// How probable the model found a token: natural logs, before any penalty or temperature.
///
/// @param rank 1 for the most probable
/// @param top the most probable tokens, in descending order, each without a `top` of its own
public record TokenScore(int id, float logProbability, int rank, List<TokenScore> top) {}
