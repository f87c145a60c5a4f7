package dev.yushan.backend;

import java.util.Map;
import java.util.Optional;

/// How a backend is to be opened.
///
/// @param threads worker threads, 0 for as many as the process may use
/// @param device the backend's own name of a device, for example `0:1`
/// @param extra settings by name, [#ASSERTING] and [#EXPERIMENTAL_CUDA] among them; every backend
///   knows `memory_bytes`, the most memory it may hold, the others are a backend's own
public record BackendOptions(int threads, Optional<String> device, Map<String, String> extra) {
  /// The setting that has [Backends#open] put an [AssertingBackend] around the backend, if it is
  /// `true`.
  public static final String ASSERTING = "check_backend";

  /// The setting that has a backend compute by CUDA's own libraries, if it is `true`. One that
  /// cannot refuses to be opened.
  public static final String EXPERIMENTAL_CUDA = "experimental_cuda";

  private static final String MEMORY = "memory_bytes";

  public BackendOptions {
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be 0 (all) or more, got " + threads);
    }
    extra = Map.copyOf(extra);
  }

  /// All processors, the backend's own choice of device.
  public static BackendOptions defaults() {
    return new BackendOptions(0, Optional.empty(), Map.of());
  }

  /// The most memory that the backend may hold; [Long#MAX_VALUE] where nothing is said.
  ///
  /// @throws IllegalArgumentException if the setting is no number
  public long memoryBytes() {
    String bytes = extra.getOrDefault(MEMORY, Long.toString(Long.MAX_VALUE));
    try {
      return Math.max(0, Long.parseLong(bytes));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "the setting %s of a backend must be a number of bytes, got '%s'"
              .formatted(MEMORY, bytes),
          e);
    }
  }

  boolean asserting() {
    return Boolean.parseBoolean(extra.get(ASSERTING));
  }

  /// Whether [#EXPERIMENTAL_CUDA] is set.
  public boolean experimentalCuda() {
    return Boolean.parseBoolean(extra.get(EXPERIMENTAL_CUDA));
  }

  public BackendOptions withThreads(int count) {
    return new BackendOptions(count, device, extra);
  }
}
