package dev.yushan.generate;

import dev.yushan.backend.AssertingBackend;
import dev.yushan.backend.Backend;
import dev.yushan.backend.testkit.DeferredBackend;
import dev.yushan.backend.testkit.ReferenceBackend;

/// Generation replays recorded plans in a way that a device would survive.
class DeferredGeneratorGoldenTest extends GeneratorGolden {
  @Override
  protected Backend open() {
    return AssertingBackend.over(DeferredBackend.over(ReferenceBackend.float64()));
  }
}
