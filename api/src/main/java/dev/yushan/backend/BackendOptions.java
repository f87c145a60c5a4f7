package dev.yushan.backend;

import java.util.Map;
import java.util.Optional;

/// How a backend is to be opened.
///
/// @param threads worker threads, 0 for as many as the process may use
/// @param device the backend's own name of a device, for example `0:1`
/// @param extra settings by name, [#ASSERTING] among them; every backend knows `memory_bytes`, the
///   most memory it may hold, the others are a backend's own
public record BackendOptions(int threads, Optional<String> device, Map<String, String> extra) {
  /// The setting that has [Backends#open] put an [AssertingBackend] around the backend, if it is
  /// `true`.
  public static final String ASSERTING = "check_backend";

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

  boolean asserting() {
    return Boolean.parseBoolean(extra.get(ASSERTING));
  }

  public BackendOptions withThreads(int count) {
    return new BackendOptions(count, device, extra);
  }
}
