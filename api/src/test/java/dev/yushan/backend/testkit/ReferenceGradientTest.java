package dev.yushan.backend.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The backward ops of the reference against central differences of its forward ops, in float64: to
/// nine digits, which no wrong formula reaches.
class ReferenceGradientTest {
  private static final double STEP = 1e-5;

  private final ReferenceBackend reference = ReferenceBackend.float64();
  private final Kernels kernels = reference.kernels();
  private final SplittableRandom random = new SplittableRandom(31);

  @AfterEach
  void close() {
    reference.close();
  }

  private Tensor normal(long... dims) {
    Tensor tensor = reference.allocate(DType.F32, Shape.of(dims));
    double[] values = new double[(int) tensor.elements()];
    Arrays.setAll(values, i -> random.nextGaussian());
    reference.write(values, tensor);
    return tensor;
  }

  private Tensor zeros(long... dims) {
    return reference.allocate(DType.F32, Shape.of(dims));
  }

  /// `gradient` is that of `Σ dOut · out` with respect to `x`, where `forward` computes `out`.
  private void requireGradient(
      Tensor x, Tensor gradient, Runnable forward, Tensor out, Tensor dOut) {
    double[] values = reference.doubles(x);
    double[] actual = reference.doubles(gradient);
    for (int i = 0; i < values.length; i++) {
      double expected =
          (loss(x, values, i, STEP, forward, out, dOut)
                  - loss(x, values, i, -STEP, forward, out, dOut))
              / (2 * STEP);
      double tolerance = 1e-8 * (1 + Math.abs(expected));
      assertThat(actual[i]).as("element %d", i).isCloseTo(expected, within(tolerance));
    }
    reference.write(values, x);
  }

  private double loss(
      Tensor x, double[] values, int i, double step, Runnable forward, Tensor out, Tensor dOut) {
    double[] moved = values.clone();
    moved[i] += step;
    reference.write(moved, x);
    forward.run();
    double[] y = reference.doubles(out);
    double[] weights = reference.doubles(dOut);
    double sum = 0;
    for (int j = 0; j < y.length; j++) {
      sum += y[j] * weights[j];
    }
    return sum;
  }

  @Test
  void matmul() {
    Tensor a = normal(3, 4);
    Tensor b = normal(5, 4);
    Tensor c = zeros(3, 5);
    Tensor dC = normal(3, 5);
    Tensor dA = zeros(3, 4);
    Tensor dB = zeros(5, 4);
    Runnable forward = () -> kernels.matmul(Op.N, Op.T, 2, a, b, 0, c);
    kernels.matmul(Op.N, Op.N, 2, dC, b, 0, dA);
    kernels.matmul(Op.T, Op.N, 2, dC, a, 0, dB);
    requireGradient(a, dA, forward, c, dC);
    requireGradient(b, dB, forward, c, dC);
  }

  @Test
  void gather() {
    Tensor table = normal(4, 3);
    Tensor ids = reference.tensor(new int[] {2, 0, 2, 2, 3}, 5);
    Tensor out = zeros(5, 3);
    Tensor dOut = normal(5, 3);
    Tensor dTable = zeros(4, 3);
    kernels.scatterAdd(dOut, ids, dTable);
    requireGradient(table, dTable, () -> kernels.gather(table, ids, out), out, dOut);
  }

  @Test
  void rmsNorm() {
    Tensor x = normal(3, 7);
    Tensor weight = normal(7);
    Tensor out = zeros(3, 7);
    Tensor inverse = zeros(3);
    Tensor dOut = normal(3, 7);
    Tensor dX = zeros(3, 7);
    Tensor dWeight = zeros(7);
    Runnable forward = () -> kernels.rmsNorm(x, weight, 0.01f, out, inverse);
    forward.run();
    kernels.rmsNormBackward(dOut, x, weight, inverse, 0, dX, dWeight);
    requireGradient(x, dX, forward, out, dOut);
    requireGradient(weight, dWeight, forward, out, dOut);
  }

  @Test
  void rmsNormOfHeads() {
    Tensor x = normal(3, 12);
    Tensor weight = normal(4);
    Tensor out = zeros(3, 12);
    Tensor inverse = zeros(3, 3);
    Tensor dOut = normal(3, 12);
    Tensor dX = zeros(3, 12);
    Tensor dWeight = zeros(4);
    Runnable forward = () -> kernels.rmsNorm(x, weight, 0.01f, out, inverse);
    forward.run();
    kernels.rmsNormBackward(dOut, x, weight, inverse, 0, dX, dWeight);
    requireGradient(x, dX, forward, out, dOut);
    requireGradient(weight, dWeight, forward, out, dOut);
  }

  @Test
  void rope() {
    Tensor x = normal(4, 12);
    Tensor positions = reference.tensor(new int[] {0, 3, 1, 2}, 4);
    Tensor table = normal(4, 6);
    Tensor out = zeros(4, 12);
    Tensor dOut = normal(4, 12);
    Tensor dX = zeros(4, 12);
    kernels.rope(dOut, positions, table, true, dX);
    requireGradient(x, dX, () -> kernels.rope(x, positions, table, false, out), out, dOut);
  }

  @Test
  void attention() {
    AttentionShape shape = AttentionShape.of(4, 2, 4);
    Qkv in = new Qkv(normal(7, 16), normal(7, 8), normal(7, 8));
    Tensor sequences = reference.tensor(new int[] {0, 4, 4, 7}, 4);
    Tensor out = zeros(7, 16);
    Tensor lse = zeros(7, 4);
    Tensor dOut = normal(7, 16);
    Qkv gradients = new Qkv(zeros(7, 16), zeros(7, 8), zeros(7, 8));
    Runnable forward = () -> kernels.attention(shape, in, sequences, out, lse);
    forward.run();
    kernels.attentionBackward(shape, dOut, in, out, lse, sequences, gradients);
    requireGradient(in.q(), gradients.q(), forward, out, dOut);
    requireGradient(in.k(), gradients.k(), forward, out, dOut);
    requireGradient(in.v(), gradients.v(), forward, out, dOut);
  }

  @Test
  void swiGlu() {
    Tensor gate = normal(3, 5);
    Tensor up = normal(3, 5);
    Tensor out = zeros(3, 5);
    Tensor dOut = normal(3, 5);
    Tensor dGate = zeros(3, 5);
    Tensor dUp = zeros(3, 5);
    Runnable forward = () -> kernels.swiGlu(gate, up, out);
    kernels.swiGluBackward(dOut, gate, up, dGate, dUp);
    requireGradient(gate, dGate, forward, out, dOut);
    requireGradient(up, dUp, forward, out, dOut);
  }

  @Test
  void crossEntropy() {
    Tensor logits = normal(4, 6);
    Tensor targets = reference.tensor(new int[] {5, -100, 0, 3}, 4);
    Tensor scale = reference.tensor(new float[] {0.25f}, 1);
    Tensor nll = zeros(4);
    Tensor work = zeros(4, 6);
    Consumer<Tensor> run =
        into -> {
          kernels.copy(logits, into);
          kernels.crossEntropy(into, targets, scale, nll);
        };
    Tensor gradient = zeros(4, 6);
    run.accept(gradient);
    Tensor dNll = reference.tensor(new float[] {0.25f, 0.25f, 0.25f, 0.25f}, 4);
    requireGradient(logits, gradient, () -> run.accept(work), nll, dNll);
  }
}
