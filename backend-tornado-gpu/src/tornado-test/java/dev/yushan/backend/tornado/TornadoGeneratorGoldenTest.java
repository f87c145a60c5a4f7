package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.generate.GeneratorGolden;

class TornadoGeneratorGoldenTest extends GeneratorGolden {
  @Override
  protected Backend open() {
    return SharedDevice.open(BackendOptions.defaults());
  }
}
