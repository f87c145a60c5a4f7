package dev.yushan.backend.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Kernels.AdamWConstants;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import org.junit.jupiter.api.Test;

/// The reference against numbers worked out by hand.
class ReferenceBackendTest {
  private final ReferenceBackend reference = ReferenceBackend.float64();
  private final Backend backend = Backends.checked(reference);

  @Test
  void aMatrixProductInAllFourTransposeCases() {
    Tensor a = backend.tensor(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    Tensor aT = backend.tensor(new float[] {1, 4, 2, 5, 3, 6}, 3, 2);
    Tensor b = backend.tensor(new float[] {1, 0, 2, 1, 0, 3}, 3, 2);
    Tensor bT = backend.tensor(new float[] {1, 2, 0, 0, 1, 3}, 2, 3);
    for (Op opA : Op.values()) {
      for (Op opB : Op.values()) {
        Tensor c = backend.tensor(new float[] {1, 1, 1, Float.NaN}, 2, 2);
        Tensor left = opA == Op.N ? a : aT;
        Tensor right = opB == Op.N ? b : bT;
        backend.kernels().matmul(opA, opB, 2, left, right, 0, c);
        assertThat(backend.floats(c)).containsExactly(10, 22, 28, 46);
        backend.kernels().matmul(opA, opB, 1, left, right, -1, c);
        assertThat(backend.floats(c)).containsExactly(-5, -11, -14, -23);
      }
    }
  }

  @Test
  void attentionAveragesWhatItMaySee() {
    AttentionShape shape = AttentionShape.of(2, 1, 2);
    Qkv in =
        new Qkv(
            backend.allocate(DType.F32, Shape.of(3, 4)),
            backend.allocate(DType.F32, Shape.of(3, 2)),
            backend.tensor(new float[] {1, 2, 3, 4, 7, 8}, 3, 2));
    Tensor out = backend.allocate(DType.F32, Shape.of(3, 4));
    Tensor lse = backend.allocate(DType.F32, Shape.of(3, 2));
    Tensor sequences = backend.tensor(new int[] {0, 2, 2, 3}, 4);
    backend.kernels().attention(shape, in, sequences, out, lse);
    assertThat(backend.floats(out)).containsExactly(1, 2, 1, 2, 2, 3, 2, 3, 7, 8, 7, 8);
    assertThat(reference.doubles(lse)).containsExactly(0, 0, Math.log(2), Math.log(2), 0, 0);
  }

  @Test
  void keepsDoublesUntilTheDownload() {
    Tensor x = backend.tensor(new float[] {1, 1}, 2);
    reference.write(new double[] {0.1, 1e-20}, x);
    backend.kernels().add(x, x, x);
    assertThat(reference.doubles(x)).containsExactly(0.2, 2e-20);
    assertThat(backend.floats(x)).containsExactly(0.2f, 2e-20f);
  }

  @Test
  void quantisesAsGguf() {
    float[] values = new float[32];
    for (int i = 0; i < 32; i++) {
      values[i] = i - 16;
    }
    Tensor x = backend.tensor(values, 1, 32);
    Tensor q8 = backend.allocate(DType.Q8_0, Shape.of(1, 32));
    Tensor q4 = backend.allocate(DType.Q4_0, Shape.of(1, 32));
    backend.kernels().copy(x, q8);
    backend.kernels().copy(x, q4);
    assertThat(backend.bytes(q8)).startsWith(8, 48, -127, -119, -111).hasSize(34);
    // scale 2: -16 → 0, -15 → ⌊-7.5 + 8.5⌋ = 1; the upper halves hold 0 → 8, 1 → ⌊9⌋ = 9
    assertThat(backend.bytes(q4)).startsWith(0, 64, (byte) 0x80, (byte) 0x91).hasSize(18);
    assertThat(reference.doubles(q4)[31]).isEqualTo(14);
    assertThat(reference.doubles(q8)[0]).isEqualTo(-16, within(0.01));
  }

  @Test
  void roundsHalvesToEven() {
    float[] values = {1, 1 + 0x1p-8f, 1 + 0x3p-8f, Float.NaN, Float.NEGATIVE_INFINITY};
    Tensor x = backend.tensor(values, 1, 5);
    Tensor half = backend.allocate(DType.BF16, Shape.of(1, 5));
    backend.kernels().copy(x, half);
    assertThat(reference.doubles(half))
        .containsExactly(1, 1, 1 + 0x4p-8, Double.NaN, Double.NEGATIVE_INFINITY);
  }

  @Test
  void firstAdamWStepMovesByTheLearningRate() {
    Tensor p = backend.tensor(new float[] {1, 1}, 2);
    Tensor g = backend.tensor(new float[] {4, -8}, 2);
    Tensor m = backend.allocate(DType.F32, Shape.of(2));
    Tensor v = backend.allocate(DType.F32, Shape.of(2));
    Tensor step = backend.tensor(new float[4], 4);
    reference.write(new double[] {0.25, 0.5, 0.75, 0.5}, step);
    backend.kernels().adamW(new AdamWConstants(0.5, 0.25, 0, 0.5), step, p, g, m, v);
    assertThat(reference.doubles(m)).containsExactly(1, -2);
    assertThat(reference.doubles(v)).containsExactly(3, 12);
    assertThat(reference.doubles(p)).containsExactly(0.875 - 0.25, 0.875 + 0.25);
  }

  @Test
  void rowsPastTheCountAreLeftAlone() {
    Tensor rows = backend.tensor(new int[] {2}, 1);
    Tensor x = backend.tensor(new float[] {1, 2, Float.NaN}, 3, 1).counted(rows);
    Tensor norm = backend.allocate(DType.F32, Shape.of(1));
    backend.kernels().squaredNorm(x, norm);
    assertThat(backend.floats(norm)).containsExactly(5);
    backend.kernels().squaredNorm(x.rows(1, 3), norm);
    assertThat(backend.floats(norm)).containsExactly(4);
  }

  @Test
  void refusesWhatItHasNoMemoryFor() {
    ReferenceBackend small = reference.withMemory(100);
    small.allocate(60);
    assertThatThrownBy(() -> small.allocate(41))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("41 bytes asked for, 40 of 100 left");
    small.close();
    assertThat(small.availableBytes()).isEqualTo(100);
  }
}
