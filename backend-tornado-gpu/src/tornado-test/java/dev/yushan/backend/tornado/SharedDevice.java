package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;

/// The first device, kept open for all tests of the process, so that each kernel is compiled once.
final class SharedDevice {
  private static final TornadoBackendProvider PROVIDER = new TornadoBackendProvider();
  private static final Backend KEPT = PROVIDER.open(BackendOptions.defaults());

  private SharedDevice() {}

  /// Opens a backend on it.
  static Backend open(BackendOptions options) {
    if (KEPT.availableBytes() <= 0) {
      throw new IllegalStateException("the device has no memory: " + KEPT.description());
    }
    return PROVIDER.open(options);
  }
}
