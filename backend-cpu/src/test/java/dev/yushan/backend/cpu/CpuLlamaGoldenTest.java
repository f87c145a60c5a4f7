package dev.yushan.backend.cpu;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.model.llama.LlamaGolden;

class CpuLlamaGoldenTest extends LlamaGolden {
  @Override
  protected Backend open() {
    return new CpuBackendProvider().open(BackendOptions.defaults());
  }
}
