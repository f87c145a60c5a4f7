package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.testkit.BackendConformance;

class TornadoConformanceTest extends BackendConformance {
  @Override
  protected Backend open(BackendOptions options) {
    return SharedDevice.open(options);
  }
}
