package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.I16;
import static dev.yushan.backend.cpu.Lanes.I32;
import static dev.yushan.backend.cpu.Lanes.I8;
import static dev.yushan.backend.cpu.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// One row of A by a block of weights as [Packed] has them, as in decoding one text: each weight
/// goes from memory to a register, without a panel between. Of rows of Q8_0 it is [IntegerRows]
/// that does.
final class OneRow {
  private static final int V = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int BLOCK = 32;

  private OneRow() {}

  /// `out[j] = Σ a[p] · b[p, j]` over a block of a group, without a panel between: each weight goes
  /// from memory to a register. F16, which no vector widens, takes panels, and so do scales that
  /// are no finite numbers.
  ///
  /// @param row first of the group
  /// @param a from `ao`, the `kc` elements that meet the block
  /// @param panel room for a panel of the block
  /// @param out takes an element for each row of the group
  static void dot(Matrix m, int row, int k, int kc, float[] a, int ao, float[] panel, float[] out) {
    MemorySegment memory = m.memory();
    long from = Packed.block(m, row, k);
    boolean done =
        switch (m.dtype()) {
          case F32 -> dotF32(memory, from, kc, a, ao, out);
          case BF16 ->
              Packed.WIDE == WIDTH
                  ? dotBf16(memory, from, kc, a, ao, out)
                  : dotBf16Wide(memory, from, kc, a, ao, out);
          case Q8_0 ->
              Packed.WIDE == WIDTH
                  ? dotQ8(memory, from, kc, a, ao, out)
                  : dotQ8Wide(memory, from, kc, a, ao, out);
          case Q4_0 -> dotQ4(memory, from, kc, a, ao, out);
          default -> false;
        };
    for (int j = 0; !done && j < Packed.width(m.dtype()); j += WIDTH) {
      Packed.panel(m, row + j, k, kc, panel, 0);
      Tile.panel(1, kc, a, ao, panel, 0, out, j, WIDTH);
    }
  }

  private static boolean dotF32(
      MemorySegment memory, long from, int kc, float[] a, int ao, float[] out) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      long at = from + p * (4L * WIDTH);
      FloatVector x = FloatVector.broadcast(F32, a[ao + p]);
      c0 = x.fma(FloatVector.fromMemorySegment(F32, memory, at, ORDER), c0);
      c1 = x.fma(FloatVector.fromMemorySegment(F32, memory, at + 4 * V, ORDER), c1);
    }
    c0.intoArray(out, 0);
    c1.intoArray(out, V);
    return true;
  }

  /// The four chains of a group of two panels; counted by bytes as [#dotBf16] is.
  private static boolean dotBf16Wide(
      MemorySegment memory, long from, int kc, float[] a, int ao, float[] out) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    FloatVector c2 = FloatVector.zero(F32);
    FloatVector c3 = FloatVector.zero(F32);
    for (int at = 0, p = ao; at < kc * 4 * WIDTH; at += 4 * WIDTH, p++) {
      IntVector pair = IntVector.fromMemorySegment(I32, memory, from + at, ORDER);
      IntVector other = IntVector.fromMemorySegment(I32, memory, from + at + 4 * V, ORDER);
      FloatVector x = FloatVector.broadcast(F32, a[p]);
      c0 = x.fma(pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), c0);
      c1 = x.fma(pair.and(Packed.UPPER).reinterpretAsFloats(), c1);
      c2 = x.fma(other.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), c2);
      c3 = x.fma(other.and(Packed.UPPER).reinterpretAsFloats(), c3);
    }
    c0.intoArray(out, 0);
    c1.intoArray(out, V);
    c2.intoArray(out, 2 * V);
    c3.intoArray(out, 3 * V);
    return true;
  }

  /// Counted by bytes, of which a step has many, the loop is unrolled four times. Counted by `p` it
  /// would be eight times, and read eight cache lines out of order, which the hardware reads ahead
  /// less for: from memory that takes 1.1 to 1.3 times as long.
  private static boolean dotBf16(
      MemorySegment memory, long from, int kc, float[] a, int ao, float[] out) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    for (int at = 0, p = ao; at < kc * 2 * WIDTH; at += 2 * WIDTH, p++) {
      IntVector pair = IntVector.fromMemorySegment(I32, memory, from + at, ORDER);
      FloatVector x = FloatVector.broadcast(F32, a[p]);
      c0 = x.fma(pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), c0);
      c1 = x.fma(pair.and(Packed.UPPER).reinterpretAsFloats(), c1);
    }
    c0.intoArray(out, 0);
    c1.intoArray(out, V);
    return true;
  }

  private static boolean dotQ8(
      MemorySegment memory, long from, int kc, float[] a, int ao, float[] out) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    for (int k = 0; k < kc; k += BLOCK) {
      long block = from + k * 34L / 32 * WIDTH;
      FloatVector low = Packed.scales(memory, block);
      FloatVector high = Packed.scales(memory, block + 2 * V);
      for (int p = 0; p < BLOCK; p++) {
        long at = block + (2 + p) * (long) WIDTH;
        FloatVector x = FloatVector.broadcast(F32, a[ao + k + p]);
        c0 = x.fma(Packed.bytes(memory, at, 0).mul(low), c0);
        c1 = x.fma(Packed.bytes(memory, at, 1).mul(high), c1);
      }
    }
    c0.intoArray(out, 0);
    c1.intoArray(out, V);
    return true;
  }

  /// The four chains of a group of two panels. Methods that are not of the Vector API are not
  /// called here: in a method of this size the compiler no longer inlines them.
  ///
  /// @return whether that is the result: it is not where a scale is no finite number
  private static boolean dotQ8Wide(
      MemorySegment memory, long from, int kc, float[] a, int ao, float[] out) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    FloatVector c2 = FloatVector.zero(F32);
    FloatVector c3 = FloatVector.zero(F32);
    IntVector most = IntVector.zero(I32);
    for (int k = 0; k < kc / BLOCK; k++) {
      long block = from + k * 34L * Packed.WIDE;
      int first = ao + k * BLOCK;
      // as in IntegerRows
      ShortVector h0 = ShortVector.fromMemorySegment(I16, memory, block, ORDER);
      IntVector bits0 =
          ((IntVector) h0.convertShape(VectorOperators.S2I, I32, 0))
              .lanewise(VectorOperators.LSHL, 13)
              .and(Packed.HALF);
      most = most.max(bits0.and(Packed.MAGNITUDE));
      FloatVector s0 = bits0.reinterpretAsFloats().mul(0x1p112f);
      ShortVector h1 = ShortVector.fromMemorySegment(I16, memory, block + 2 * V, ORDER);
      IntVector bits1 =
          ((IntVector) h1.convertShape(VectorOperators.S2I, I32, 0))
              .lanewise(VectorOperators.LSHL, 13)
              .and(Packed.HALF);
      most = most.max(bits1.and(Packed.MAGNITUDE));
      FloatVector s1 = bits1.reinterpretAsFloats().mul(0x1p112f);
      ShortVector h2 = ShortVector.fromMemorySegment(I16, memory, block + 4 * V, ORDER);
      IntVector bits2 =
          ((IntVector) h2.convertShape(VectorOperators.S2I, I32, 0))
              .lanewise(VectorOperators.LSHL, 13)
              .and(Packed.HALF);
      most = most.max(bits2.and(Packed.MAGNITUDE));
      FloatVector s2 = bits2.reinterpretAsFloats().mul(0x1p112f);
      ShortVector h3 = ShortVector.fromMemorySegment(I16, memory, block + 6 * V, ORDER);
      IntVector bits3 =
          ((IntVector) h3.convertShape(VectorOperators.S2I, I32, 0))
              .lanewise(VectorOperators.LSHL, 13)
              .and(Packed.HALF);
      most = most.max(bits3.and(Packed.MAGNITUDE));
      FloatVector s3 = bits3.reinterpretAsFloats().mul(0x1p112f);
      for (int p = 0; p < BLOCK; p++) {
        long at = block + (2 + p) * (long) Packed.WIDE;
        FloatVector x = FloatVector.broadcast(F32, a[first + p]);
        ByteVector b0 = ByteVector.fromMemorySegment(I8, memory, at, ORDER);
        FloatVector w0 = (FloatVector) b0.convertShape(VectorOperators.B2F, F32, 0);
        c0 = x.fma(w0.mul(s0), c0);
        ByteVector b1 = ByteVector.fromMemorySegment(I8, memory, at + V, ORDER);
        FloatVector w1 = (FloatVector) b1.convertShape(VectorOperators.B2F, F32, 0);
        c1 = x.fma(w1.mul(s1), c1);
        ByteVector b2 = ByteVector.fromMemorySegment(I8, memory, at + 2 * V, ORDER);
        FloatVector w2 = (FloatVector) b2.convertShape(VectorOperators.B2F, F32, 0);
        c2 = x.fma(w2.mul(s2), c2);
        ByteVector b3 = ByteVector.fromMemorySegment(I8, memory, at + 3 * V, ORDER);
        FloatVector w3 = (FloatVector) b3.convertShape(VectorOperators.B2F, F32, 0);
        c3 = x.fma(w3.mul(s3), c3);
      }
    }
    c0.intoArray(out, 0);
    c1.intoArray(out, V);
    c2.intoArray(out, 2 * V);
    c3.intoArray(out, 3 * V);
    return most.reduceLanes(VectorOperators.MAX) < Packed.INFINITY;
  }

  private static boolean dotQ4(
      MemorySegment memory, long from, int kc, float[] a, int ao, float[] out) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    for (int k = 0; k < kc; k += BLOCK) {
      long block = from + k * 18L / 32 * WIDTH;
      FloatVector low = Packed.scales(memory, block);
      FloatVector high = Packed.scales(memory, block + 2 * V);
      for (int p = 0; p < BLOCK; p += 8) {
        long at = block + Packed.SCALES + p / 2 * (long) WIDTH;
        IntVector x = IntVector.fromMemorySegment(I32, memory, at, ORDER);
        IntVector y = IntVector.fromMemorySegment(I32, memory, at + 4 * V, ORDER);
        for (int s = 0; s < 8; s++) {
          FloatVector element = FloatVector.broadcast(F32, a[ao + k + p + s]);
          c0 = element.fma(Packed.topNibble(x).mul(low), c0);
          c1 = element.fma(Packed.topNibble(y).mul(high), c1);
          x = x.lanewise(VectorOperators.LSHL, 4);
          y = y.lanewise(VectorOperators.LSHL, 4);
        }
      }
    }
    c0.intoArray(out, 0);
    c1.intoArray(out, V);
    return true;
  }
}
