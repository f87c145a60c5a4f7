package dev.yushan.model.llama;

import dev.yushan.backend.AssertingBackend;
import dev.yushan.backend.Backend;
import dev.yushan.backend.testkit.DeferredBackend;
import dev.yushan.backend.testkit.ReferenceBackend;

/// The model calls kernels in a way that a device would survive.
class DeferredLlamaGoldenTest extends LlamaGolden {
  @Override
  protected Backend open() {
    return AssertingBackend.over(DeferredBackend.over(ReferenceBackend.float64()));
  }
}
