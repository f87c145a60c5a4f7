package dev.yushan.generate;

import dev.yushan.backend.Backend;
import dev.yushan.backend.testkit.ReferenceBackend;

class ReferenceGeneratorGoldenTest extends GeneratorGolden {
  @Override
  protected Backend open() {
    return ReferenceBackend.float64();
  }
}
