package dev.yushan.backend.cpu;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.generate.GeneratorGolden;

class CpuGeneratorGoldenTest extends GeneratorGolden {
  @Override
  protected Backend open() {
    return new CpuBackendProvider().open(BackendOptions.defaults());
  }
}
