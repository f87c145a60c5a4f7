package dev.yushan.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Workspace;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.List;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class OpsTest {
  private final Backend backend = Backends.checked(ReferenceBackend.float64());
  private final Workspace workspace = new Workspace(backend, 1 << 16);
  private final Tape tape = new Tape(workspace);
  private final Ops ops = Ops.training(backend, workspace, tape, false);

  @AfterEach
  void close() {
    workspace.close();
    backend.close();
  }

  private Parameter weight(float... values) {
    long side = (long) Math.sqrt(values.length);
    Tensor gradient = backend.allocate(DType.F32, Shape.of(side, side));
    return new Parameter("w", backend.tensor(values, side, side), Optional.of(gradient));
  }

  @Test
  void anActivationUsedTwiceCollectsBothGradients() {
    Parameter w = weight(1, 2, 3, 4);
    Tensor x = backend.tensor(new float[] {1, -1}, 1, 2);
    Tensor y = ops.linear(x, w);
    // z = y + y·wᵀ: y has a residual use and a linear one
    Tensor z = ops.add(y, ops.linear(y, w));
    Tensor dZ = tape.target(z).gradient();
    backend.upload(new float[] {1, 10}, dZ);
    tape.backward();

    // dy = dz + dz·w = (1, 10) + (31, 42); dw = dyᵀx + dzᵀy with y = (−1, −1)
    assertThat(backend.floats(tape.gradient(y))).containsExactly(32, 52);
    assertThat(backend.floats(w.gradient().orElseThrow())).containsExactly(31, -33, 42, -62);
  }

  @Test
  void headsAreNormalisedAndValuesAreNot() {
    AttentionShape shape = AttentionShape.of(2, 1, 2);
    float[] row = {3, 4, 6, 8, 0, 2, 5, 7};
    Parameter ones = new Parameter("q", backend.tensor(new float[] {1, 1}, 2), Optional.empty());
    Parameter twos = new Parameter("k", backend.tensor(new float[] {2, 2}, 2), Optional.empty());
    float[] wanted = {0.6f, 0.8f, 0.6f, 0.8f, 0, 2, 5, 7};
    for (int i = 0; i < 6; i++) {
      wanted[i] *= (float) Math.sqrt(2);
    }
    for (Ops either : List.of(ops, Ops.inference(backend, workspace))) {
      Tensor qkv = backend.tensor(row, 1, 8);
      assertThat(either.headNorm(qkv, shape, ones, twos, 0)).isSameAs(qkv);
      assertThat(backend.floats(qkv)).containsExactly(wanted, Offset.offset(1e-6f));
    }
  }

  @Test
  void aBranchMustBeTheLatestResult() {
    Parameter w = weight(1, 0, 0, 1);
    Tensor x = backend.tensor(new float[] {1, 2}, 1, 2);
    Tensor a = ops.linear(x, w);
    ops.linear(x, w);
    assertThatThrownBy(() -> ops.add(x, a)).hasMessageContaining("computed last");
  }

  @Test
  void aBlockMustBeResidual() {
    Parameter w = weight(1, 0, 0, 1);
    Tensor x = backend.tensor(new float[] {1, 2}, 1, 2);
    Ops inference = Ops.inference(backend, workspace);
    assertThatThrownBy(() -> inference.block(x, (o, in) -> o.linear(in, w)))
        .hasMessageContaining("its input plus something");
  }

  @Test
  void aBlockReleasesItsMemoryWithoutATape() {
    Parameter w = weight(1, 0, 0, 1);
    Tensor x = backend.tensor(new float[] {1, 2}, 1, 2);
    Ops inference = Ops.inference(backend, workspace);
    Workspace.Mark before = workspace.mark();
    Tensor out = x;
    for (int i = 0; i < 3; i++) {
      out = inference.block(out, (o, in) -> o.add(in, o.linear(in, w)));
    }
    assertThat(workspace.mark()).isEqualTo(before);
    assertThat(backend.floats(out)).containsExactly(8, 16);
  }

  @Test
  void theLossIsTheSameForAnyNumberOfChunks() {
    int rows = Ops.LOSS_CHUNK + 3;
    Tensor hidden = backend.allocate(DType.F32, Shape.of(rows, 2));
    float[] values = new float[rows * 2];
    int[] targets = new int[rows];
    for (int i = 0; i < rows; i++) {
      values[2 * i] = i * 0.01f;
      targets[i] = i % 3 == 0 ? -100 : i % 2;
    }
    backend.upload(values, hidden);
    Parameter head = weight(1, 2, 3, 4);
    Tensor scale = backend.tensor(new float[] {1}, 1);
    Tensor nll = backend.allocate(DType.F32, Shape.of(rows));
    Tensor ids = backend.tensor(targets, rows);
    ops.crossEntropy(hidden, head, ids, scale, nll);

    float[] losses = backend.floats(nll);
    for (int i = 0; i < rows; i++) {
      double x = values[2 * i];
      double wanted = Math.log(Math.exp(x) + Math.exp(3 * x)) - x * (targets[i] == 0 ? 1 : 3);
      assertThat((double) losses[i]).isCloseTo(targets[i] < 0 ? 0 : wanted, Offset.offset(1e-5));
    }
  }
}
