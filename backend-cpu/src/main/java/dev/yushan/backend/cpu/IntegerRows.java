package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.I32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/// Rows of Q8_0 by groups of Q4_0 as [Packed] has them.
///
/// Within a block of 32, `Σ a[p] · b[p]` is a sum of integers, and exact. Half of it is at most 16
/// · 128 · 8, which 16 bits hold, so that a vector multiplies twice as many elements as it holds
/// floats, and nothing is converted before the block is done. Its sum, times the product of both
/// scales, is one link of a chain of fused multiply-adds over the blocks of a k-block.
///
/// An int of a group holds eight nibbles of a row of B: seen as two shorts, elements p + 4 to p + 7
/// in the lower and p to p + 3 in the upper one, the first at the top of each. So a row of A is
/// arranged as pairs: element p + s in the upper half of an int, element p + 4 + s in the lower.
final class IntegerRows {
  /// Rows that are computed together; as many more may be read and written.
  static final int ROWS = 4;

  private static final int V = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int STRIP = Tile.STRIP;
  private static final int BLOCK = 32;

  /// Where the scales of a strip begin.
  private static final int SCALES = STRIP / 2;

  /// Bytes of a block of a group.
  private static final long GROUP_BLOCK = 18L * WIDTH;

  private static final VectorSpecies<Short> I16 =
      VectorSpecies.of(short.class, VectorShape.forBitSize(32 * V));

  private static final VectorSpecies<Byte> I8 =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(16 * V));

  private static final VectorShuffle<Short> PAIRS =
      VectorShuffle.fromOp(I16, i -> i / 8 * 8 + i % 8 / 2 + (i % 2 == 0 ? 4 : 0));

  private final short[] panel = new short[STRIP * WIDTH];
  private final short[] sums = new short[STRIP / BLOCK * ROWS * 2 * WIDTH];
  private final float[] scales = new float[STRIP / BLOCK * WIDTH];

  /// A k-block of A as strips: of row i the pairs, as bits of floats, from `out[i · STRIP]`, and
  /// the scales of its blocks from `out[i · STRIP + STRIP / 2]`.
  ///
  /// @param k first column, of `kc`
  static void strips(Matrix a, int rows, int k, int kc, float[] out) {
    for (int i = 0; i < rows; i++) {
      for (int p = 0; p < kc; p += BLOCK) {
        long from = a.at(i, k + p);
        out[i * STRIP + SCALES + p / BLOCK] =
            Float.float16ToFloat(a.memory().get(JAVA_SHORT_UNALIGNED, from));
        for (int e = 0; e < BLOCK; e += 2 * V) {
          ByteVector bytes = ByteVector.fromMemorySegment(I8, a.memory(), from + 2 + e, ORDER);
          ShortVector shorts = (ShortVector) bytes.convertShape(VectorOperators.B2S, I16, 0);
          shorts.rearrange(PAIRS).reinterpretAsFloats().intoArray(out, i * STRIP + (p + e) / 2);
        }
      }
    }
  }

  /// `out[i · WIDTH + j] = Σ a[i, p] · b[p, j]` over a k-block of a group.
  ///
  /// @param from where the group's k-block begins
  /// @param a strips from `ao`
  void multiply(int rows, int kc, MemorySegment b, long from, float[] a, int ao, float[] out) {
    scales(b, from, kc, scales);
    if (rows == 1) {
      dot(b, from, kc, a, ao, scales, out);
      return;
    }
    panel(b, from, kc, panel);
    for (int i = 0; i < rows; i += ROWS) {
      rows4(kc, a, ao + i * STRIP, panel, sums);
      for (int r = 0; r < ROWS; r++) {
        chain(kc, sums, r, scales, a, ao + (i + r) * STRIP + SCALES, out, (i + r) * WIDTH);
      }
    }
  }

  private static void scales(MemorySegment b, long from, int kc, float[] out) {
    for (int k = 0; k < kc / BLOCK; k++) {
      Packed.scales(b, from + k * GROUP_BLOCK).intoArray(out, k * WIDTH);
      Packed.scales(b, from + k * GROUP_BLOCK + 2 * V).intoArray(out, k * WIDTH + V);
    }
  }

  /// One row, without a panel between. Methods that are not of the Vector API are not called here:
  /// in a method of this size the compiler no longer inlines them.
  private static void dot(
      MemorySegment b, long from, int kc, float[] a, int ao, float[] scales, float[] out) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    for (int k = 0; k < kc; k += BLOCK) {
      long block = from + k / BLOCK * GROUP_BLOCK;
      ShortVector s0 = ShortVector.zero(I16);
      ShortVector s1 = ShortVector.zero(I16);
      for (int p = 0; p < BLOCK; p += 8) {
        long at = block + 2 * WIDTH + p / 2 * (long) WIDTH;
        ShortVector x = IntVector.fromMemorySegment(I32, b, at, ORDER).reinterpretAsShorts();
        ShortVector y =
            IntVector.fromMemorySegment(I32, b, at + 4 * V, ORDER).reinterpretAsShorts();
        for (int s = 0; s < 4; s++) {
          int pair = ao + (k + p) / 2 + s;
          ShortVector both = FloatVector.broadcast(F32, a[pair]).reinterpretAsShorts();
          s0 = s0.add(x.lanewise(VectorOperators.ASHR, 12).mul(both));
          s1 = s1.add(y.lanewise(VectorOperators.ASHR, 12).mul(both));
          x = x.lanewise(VectorOperators.LSHL, 4);
          y = y.lanewise(VectorOperators.LSHL, 4);
        }
      }
      IntVector i0 = s0.reinterpretAsInts();
      IntVector i1 = s1.reinterpretAsInts();
      IntVector low0 = i0.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16);
      IntVector low1 = i1.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16);
      i0 = i0.lanewise(VectorOperators.ASHR, 16).add(low0);
      i1 = i1.lanewise(VectorOperators.ASHR, 16).add(low1);
      FloatVector scale = FloatVector.broadcast(F32, a[ao + SCALES + k / BLOCK]);
      int at = k / BLOCK * WIDTH;
      c0 =
          ((FloatVector) i0.convertShape(VectorOperators.I2F, F32, 0))
              .fma(FloatVector.fromArray(F32, scales, at).mul(scale), c0);
      c1 =
          ((FloatVector) i1.convertShape(VectorOperators.I2F, F32, 0))
              .fma(FloatVector.fromArray(F32, scales, at + V).mul(scale), c1);
    }
    c0.intoArray(out, 0);
    c1.intoArray(out, V);
  }

  /// The nibbles as shorts: those that meet pair i are the 4V from `out[i · 4V]`.
  private static void panel(MemorySegment b, long from, int kc, short[] out) {
    for (int k = 0; k < kc; k += 8) {
      long at = from + k / BLOCK * GROUP_BLOCK + 2 * WIDTH + k % BLOCK / 2 * (long) WIDTH;
      ShortVector x = IntVector.fromMemorySegment(I32, b, at, ORDER).reinterpretAsShorts();
      ShortVector y = IntVector.fromMemorySegment(I32, b, at + 4 * V, ORDER).reinterpretAsShorts();
      for (int s = 0; s < 4; s++) {
        int to = (k / 2 + s) * 2 * WIDTH;
        x.lanewise(VectorOperators.ASHR, 12).intoArray(out, to);
        y.lanewise(VectorOperators.ASHR, 12).intoArray(out, to + 2 * V);
        x = x.lanewise(VectorOperators.LSHL, 4);
        y = y.lanewise(VectorOperators.LSHL, 4);
      }
    }
  }

  /// Sums of the blocks of four rows: of block i, row r and half h of the group the 2V halves from
  /// `out[((i · 4 + r) · 2 + h) · 2V]`.
  private static void rows4(int kc, float[] a, int ao, short[] b, short[] out) {
    for (int k = 0; k < kc; k += BLOCK) {
      ShortVector c00 = ShortVector.zero(I16);
      ShortVector c01 = ShortVector.zero(I16);
      ShortVector c10 = ShortVector.zero(I16);
      ShortVector c11 = ShortVector.zero(I16);
      ShortVector c20 = ShortVector.zero(I16);
      ShortVector c21 = ShortVector.zero(I16);
      ShortVector c30 = ShortVector.zero(I16);
      ShortVector c31 = ShortVector.zero(I16);
      for (int i = k / 2; i < k / 2 + BLOCK / 2; i++) {
        int q = i * 2 * WIDTH;
        ShortVector b0 = ShortVector.fromArray(I16, b, q);
        ShortVector b1 = ShortVector.fromArray(I16, b, q + 2 * V);
        ShortVector a0 = FloatVector.broadcast(F32, a[ao + i]).reinterpretAsShorts();
        c00 = a0.mul(b0).add(c00);
        c01 = a0.mul(b1).add(c01);
        ShortVector a1 = FloatVector.broadcast(F32, a[ao + STRIP + i]).reinterpretAsShorts();
        c10 = a1.mul(b0).add(c10);
        c11 = a1.mul(b1).add(c11);
        ShortVector a2 = FloatVector.broadcast(F32, a[ao + 2 * STRIP + i]).reinterpretAsShorts();
        c20 = a2.mul(b0).add(c20);
        c21 = a2.mul(b1).add(c21);
        ShortVector a3 = FloatVector.broadcast(F32, a[ao + 3 * STRIP + i]).reinterpretAsShorts();
        c30 = a3.mul(b0).add(c30);
        c31 = a3.mul(b1).add(c31);
      }
      int to = k / BLOCK * ROWS * 2 * WIDTH;
      c00.intoArray(out, to);
      c01.intoArray(out, to + 2 * V);
      c10.intoArray(out, to + 4 * V);
      c11.intoArray(out, to + 6 * V);
      c20.intoArray(out, to + 8 * V);
      c21.intoArray(out, to + 10 * V);
      c30.intoArray(out, to + 12 * V);
      c31.intoArray(out, to + 14 * V);
    }
  }

  /// The chains of row r over the blocks: sums of two halves, times both scales.
  ///
  /// @param ao of the first block's scale of A
  private static void chain(
      int kc, short[] sums, int r, float[] scales, float[] a, int ao, float[] out, int oo) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    for (int i = 0; i < kc / BLOCK; i++) {
      int at = (i * ROWS + r) * 2 * WIDTH;
      IntVector i0 = ShortVector.fromArray(I16, sums, at).reinterpretAsInts();
      IntVector i1 = ShortVector.fromArray(I16, sums, at + 2 * V).reinterpretAsInts();
      IntVector low0 = i0.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16);
      IntVector low1 = i1.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16);
      i0 = i0.lanewise(VectorOperators.ASHR, 16).add(low0);
      i1 = i1.lanewise(VectorOperators.ASHR, 16).add(low1);
      FloatVector scale = FloatVector.broadcast(F32, a[ao + i]);
      c0 =
          ((FloatVector) i0.convertShape(VectorOperators.I2F, F32, 0))
              .fma(FloatVector.fromArray(F32, scales, i * WIDTH).mul(scale), c0);
      c1 =
          ((FloatVector) i1.convertShape(VectorOperators.I2F, F32, 0))
              .fma(FloatVector.fromArray(F32, scales, i * WIDTH + V).mul(scale), c1);
    }
    c0.intoArray(out, oo);
    c1.intoArray(out, oo + V);
  }
}
