package dev.yushan.engine;

import dev.yushan.backend.Traffic;

/// What the engine does now, and what it did since it was started.
///
/// @param running requests that are computed
/// @param waiting requests that are not yet, or no more
/// @param kvUsage share of the cache that running requests hold, 0 to 1
/// @param promptTokens of requests that were begun
/// @param cachedTokens of them, those that were found in the cache
/// @param computedTokens of prompts so far, those computed again included
/// @param prefixQueries tokens of prompts that were looked up in the cache
/// @param prefixHits of them, those that were there
/// @param stepNanos time of all steps
/// @param modelNanos of it, that of forward passes
/// @param traffic between host and device, weights included
public record EngineStats(
    int running,
    int waiting,
    double kvUsage,
    long promptTokens,
    long cachedTokens,
    long computedTokens,
    long outputTokens,
    long prefixQueries,
    long prefixHits,
    long preemptions,
    long steps,
    long stepNanos,
    long modelNanos,
    Traffic traffic) {
  /// Of an engine that has done nothing.
  public static final EngineStats NONE =
      new EngineStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, Traffic.NONE);

  /// Kernels that were started on the device.
  public long launches() {
    return traffic.launches();
  }

  /// Bytes of tensors that went to the device.
  public long bytesSent() {
    return traffic.sent();
  }

  /// Bytes of tensors that came back.
  public long bytesFetched() {
    return traffic.fetched();
  }

  /// Bytes that told kernels what to do.
  public long parameterBytes() {
    return traffic.parameters();
  }
}
