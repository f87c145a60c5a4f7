package dev.yushan.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.autograd.Ops;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Workspace;
import dev.yushan.backend.testkit.DeferredBackend;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RecordedPassTest {
  private final Backend backend =
      Backends.checked(DeferredBackend.over(ReferenceBackend.float32()));
  private final Workspace workspace = new Workspace(backend, 1024);
  private final TokenBatch batch = TokenBatch.allocate(backend, 4, 2);
  private final Tensor table = backend.tensor(new float[] {10, 20, 30}, 3, 1);

  @AfterEach
  void close() {
    backend.close();
  }

  /// The table's row of each token, by way of the workspace.
  private Consumer<Ops> lookup(Tensor out) {
    return ops -> {
      Tensor row = workspace.allocate(DType.F32, out.shape()).counted(batch.count());
      backend.kernels().gather(table, batch.tokens(), row);
      backend.kernels().copy(row, out.counted(batch.count()));
    };
  }

  @Test
  void runsOnWhateverTheBatchHolds() {
    Tensor out = backend.allocate(DType.F32, Shape.of(4, 1));
    try (RecordedPass pass =
        RecordedPass.forward("lookup", backend, workspace, batch, lookup(out))) {
      pass.run(TokenBatch.Rows.ofSequences(new int[] {2, 0}));
      assertThat(backend.floats(out.rows(0, 2))).containsExactly(30, 10);
      pass.run(TokenBatch.Rows.ofSequences(new int[] {1}, new int[] {1, 2}));
      assertThat(backend.floats(out.rows(0, 3))).containsExactly(20, 20, 30);
    }
  }

  @Test
  void leavesTheWorkspaceAsItWas() {
    Workspace.Mark before = workspace.mark();
    Tensor out = backend.allocate(DType.F32, Shape.of(4, 1));
    RecordedPass.forward("first", backend, workspace, batch, lookup(out)).close();
    RecordedPass.forward("second", backend, workspace, batch, lookup(out)).close();
    assertThat(workspace.mark()).isEqualTo(before);
    AtomicInteger bodies = new AtomicInteger();
    Consumer<Ops> failing =
        ops -> {
          workspace.allocate(DType.F32, Shape.of(1));
          bodies.incrementAndGet();
          throw new IllegalStateException("no memory");
        };
    assertThatThrownBy(() -> RecordedPass.forward("third", backend, workspace, batch, failing))
        .hasMessage("no memory");
    assertThat(bodies).hasValue(1);
    assertThat(workspace.mark()).isEqualTo(before);
  }
}
