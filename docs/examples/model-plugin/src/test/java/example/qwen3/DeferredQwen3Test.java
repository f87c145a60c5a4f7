package example.qwen3;

import dev.yushan.backend.AssertingBackend;
import dev.yushan.backend.Backend;
import dev.yushan.backend.testkit.DeferredBackend;
import dev.yushan.backend.testkit.ReferenceBackend;

/// The same on a device that queues its calls: what passes here will run on a GPU.
class DeferredQwen3Test extends Qwen3Test {
  @Override
  protected Backend open() {
    return AssertingBackend.over(DeferredBackend.over(ReferenceBackend.float64()));
  }
}
