package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.model.llama.LlamaGolden;

class TornadoLlamaGoldenTest extends LlamaGolden {
  @Override
  protected Backend open() {
    return SharedDevice.open(BackendOptions.defaults());
  }
}
