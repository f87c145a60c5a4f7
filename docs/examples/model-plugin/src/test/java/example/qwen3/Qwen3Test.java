package example.qwen3;

import dev.yushan.backend.Backend;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.model.ModelGolden;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Logits, loss, gradients, generation and saving, against what transformers computes.
class Qwen3Test extends ModelGolden {
  private static final Path GOLDEN = Path.of("src/test/resources/golden").toAbsolutePath();

  @Override
  protected Backend open() {
    return ReferenceBackend.float64();
  }

  @Override
  protected List<Values> values() {
    return Stream.of("a", "b")
        .map(name -> new Values(GOLDEN.resolve("tiny-qwen3-" + name), GOLDEN.resolve(name) + ""))
        .toList();
  }
}
