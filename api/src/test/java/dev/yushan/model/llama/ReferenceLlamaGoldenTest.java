package dev.yushan.model.llama;

import dev.yushan.backend.Backend;
import dev.yushan.backend.testkit.ReferenceBackend;

class ReferenceLlamaGoldenTest extends LlamaGolden {
  @Override
  protected Backend open() {
    return ReferenceBackend.float64();
  }
}
