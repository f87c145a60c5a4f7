package dev.yushan.backend.cpu;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.testkit.BackendConformance;

class CpuConformanceTest extends BackendConformance {
  @Override
  protected Backend open(BackendOptions options) {
    return new CpuBackendProvider().open(options);
  }
}
