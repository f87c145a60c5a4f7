package dev.yushan.backend.testkit;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;

/// The plainest F32 backend passes: the tolerances can be met.
class ReferenceConformanceTest extends BackendConformance {
  @Override
  protected Backend open(BackendOptions options) {
    ReferenceBackend reference = ReferenceBackend.float32();
    return reference.withMemory(Math.min(options.memoryBytes(), reference.availableBytes()));
  }

  /// No test here: the reference has one thread, whatever it is told.
  @Override
  void sameBitsOnAnyNumberOfThreads() {}
}
