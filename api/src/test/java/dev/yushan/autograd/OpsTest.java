package dev.yushan.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Feature;
import dev.yushan.backend.ForwardingBackend;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.Workspace;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class OpsTest {
  private final Backend backend = Backends.checked(ReferenceBackend.float64());
  private final Workspace workspace = new Workspace(backend, 1 << 16);
  private final Tape tape = new Tape(backend, workspace, Keep.PRODUCTS);
  private final Ops ops = Ops.training(backend, tape);

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
  void rowsAreRoundedForWeightsOfFourBits() {
    float[] values = new float[32];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i % 7 - 3) * 0.37f + i * 0.01f;
    }
    Tensor x = backend.tensor(values, 1, 32);
    Tensor rounded = backend.allocate(DType.Q8_0, Shape.of(1, 32));
    Tensor weights = backend.allocate(DType.Q4_0, Shape.of(1, 32));
    Tensor out = backend.tensor(new float[1], 1, 1);
    backend.kernels().copy(x, rounded);
    backend.kernels().copy(x, weights);
    Parameter w = new Parameter("w", weights, Optional.empty());
    backend.kernels().matmul(Op.N, Op.T, 1, x, weights, 0, out);
    float exact = backend.floats(out)[0];
    backend.kernels().matmul(Op.N, Op.T, 1, rounded, weights, 0, out);
    float wanted = backend.floats(out)[0];
    assertThat(wanted).isNotEqualTo(exact).isCloseTo(exact, Offset.offset(0.01f * exact));

    Ops inference = Ops.inference(backend, workspace);
    assertThat(backend.floats(inference.linear(x, w))).containsExactly(wanted);
    inference.logits(x, w, out);
    assertThat(backend.floats(out)).containsExactly(wanted);
    assertThat(backend.floats(ops.linear(x, w))).as("with a tape").containsExactly(exact);
    Ops without = Ops.inference(new WithoutQuantisedRows(backend), workspace);
    assertThat(backend.floats(without.linear(x, w))).containsExactly(exact);
  }

  private static final class WithoutQuantisedRows extends ForwardingBackend {
    WithoutQuantisedRows(Backend backend) {
      super(backend);
    }

    @Override
    public boolean supports(Feature feature) {
      return feature != Feature.QUANTISED_ROWS && super.supports(feature);
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

  /// Two blocks x + silu(norm(x)·w)·(norm(x)·w), and the gradients of x and w, as each policy has
  /// them.
  @ParameterizedTest
  @EnumSource(Keep.class)
  void whatABlockDoesNotKeepIsComputedAgain(Keep keep) {
    float[] wanted = twoBlocks(Keep.PRODUCTS);
    float[] got = twoBlocks(keep);
    assertThat(got).hasSameSizeAs(wanted);
    if (keep != Keep.PRODUCTS_BF16) {
      assertThat(got).containsExactly(wanted);
    } else {
      assertThat(got).isNotEqualTo(wanted).containsExactly(wanted, Offset.offset(0.05f));
    }
  }

  private float[] twoBlocks(Keep keep) {
    try (Workspace own = new Workspace(backend, 1 << 12)) {
      Tape recorded = new Tape(backend, own, keep);
      Ops training = Ops.training(backend, recorded);
      Parameter w = rectangle(4, 2, 0.3f, -0.7f, 0.11f, 0.2f, 1.3f, 0.5f, -0.9f, 0.77f);
      Parameter norm =
          new Parameter("n", backend.tensor(new float[] {1.1f, 0.9f}, 2), Optional.empty());
      Tensor x = backend.tensor(new float[] {1, -2, 0.5f, 3}, 2, 2);
      Tensor y = x;
      for (int i = 0; i < 2; i++) {
        y =
            training.block(
                y, (o, in) -> o.add(in, o.swiGlu(o.linear(o.rmsNorm(in, norm, 1e-5f), w))));
      }
      backend.upload(new float[] {1, 2, 3, 4}, recorded.target(y).gradient());
      recorded.backward();
      assertThat(own.scratch().mark().live()).isZero();
      return concat(
          backend.floats(y),
          backend.floats(recorded.gradient(x)),
          backend.floats(w.gradient().orElseThrow()));
    }
  }

  private static float[] concat(float[]... parts) {
    FloatBuffer all = FloatBuffer.allocate(Stream.of(parts).mapToInt(p -> p.length).sum());
    Stream.of(parts).forEach(all::put);
    return all.array();
  }

  private Parameter rectangle(long rows, long columns, float... values) {
    Tensor gradient = backend.allocate(DType.F32, Shape.of(rows, columns));
    return new Parameter("w", backend.tensor(values, rows, columns), Optional.of(gradient));
  }

  /// Attention's backward reads its result, so the sum may not replace that.
  @ParameterizedTest
  @EnumSource(Keep.class)
  void aSumLeavesWhatABackwardReads(Keep keep) {
    try (Workspace own = new Workspace(backend, 1 << 12)) {
      AttentionShape shape = AttentionShape.of(1, 1, 2);
      Tape recorded = new Tape(backend, own, keep);
      Ops training = Ops.training(backend, recorded);
      Parameter w = rectangle(6, 2, 1, 2, -1, 0.5f, 0.3f, 1, 0.7f, -0.4f, 1, 0.2f, -2, 1);
      Tensor x = backend.tensor(new float[] {1, -2, 0.5f, 3}, 2, 2);
      Tensor starts = backend.tensor(new int[] {0, 2}, 2);
      Tensor positions = backend.tensor(new int[] {0, 1}, 2);
      Tensor y =
          training.block(
              x,
              (o, in) ->
                  o.add(
                      in,
                      o.attention(o.linear(in, w), shape, starts, positions, Optional.empty(), 0)));
      backend.upload(new float[] {1, 2, 3, 4}, recorded.target(y).gradient());
      recorded.backward();
      float[] values = backend.floats(w.value());
      float[] gradient = backend.floats(w.gradient().orElseThrow());
      float h = 1e-2f;
      for (int i = 0; i < values.length; i++) {
        double slope = (attended(values, i, h) - attended(values, i, -h)) / (2 * h);
        assertThat((double) gradient[i])
            .as("element %d", i)
            .isCloseTo(slope, Offset.offset(keep == Keep.PRODUCTS_BF16 ? 0.1 : 2e-3));
      }
    }
  }

  /// (1, 2, 3, 4) times x + attention(x·wᵀ), without a tape, one element of `w` changed.
  private double attended(float[] values, int changed, float by) {
    try (Workspace own = new Workspace(backend, 1 << 12)) {
      float[] w = values.clone();
      w[changed] += by;
      Ops inference = Ops.inference(backend, own);
      Tensor x = backend.tensor(new float[] {1, -2, 0.5f, 3}, 2, 2);
      Tensor y =
          inference.attention(
              inference.linear(x, rectangle(6, 2, w)),
              AttentionShape.of(1, 1, 2),
              backend.tensor(new int[] {0, 2}, 2),
              backend.tensor(new int[] {0, 1}, 2),
              Optional.empty(),
              0);
      float[] out = backend.floats(y);
      return out[0] + 2.0 * out[1] + 3.0 * out[2] + 4.0 * out[3];
    }
  }

  @Test
  void blocksDoNotNestInTraining() {
    Parameter w = weight(1, 0, 0, 1);
    Tensor x = backend.tensor(new float[] {1, 2}, 1, 2);
    assertThatThrownBy(
            () -> ops.block(x, (o, in) -> o.block(in, (p, y) -> p.add(y, p.linear(y, w)))))
        .hasMessageContaining("a block within a block");
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
