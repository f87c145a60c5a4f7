package dev.yushan.engine;

import dev.yushan.tensor.DType;

/// How much the engine does at a time.
///
/// @param maxModelLen tokens of a request, prompt and continuation together
/// @param maxNumSeqs requests computed side by side
/// @param maxNumBatchedTokens tokens of one forward pass
/// @param kvCacheBytes memory for keys and values
/// @param kvCacheDtype F32, F16 or BF16
/// @param prefixCaching whether keys and values of prompts and texts are kept for those that begin
///   alike
/// @param maxWaiting requests that wait beside those that are computed; more are refused
public record EngineConfig(
    int maxModelLen,
    int maxNumSeqs,
    int maxNumBatchedTokens,
    long kvCacheBytes,
    DType kvCacheDtype,
    boolean prefixCaching,
    int maxWaiting) {}
