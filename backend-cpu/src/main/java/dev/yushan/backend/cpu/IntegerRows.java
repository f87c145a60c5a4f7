package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.I32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2S;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.S2I;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
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
/// Nibbles are used as 0 to 15, which a mask cuts out, and `Σ a[p] · 8` is taken off beforehand. On
/// the way a sum may leave what 16 bits hold: it comes back.
final class IntegerRows {
  /// Rows that are computed together: strips are read, and sums written, of whole such fours.
  private static final int ROWS = 4;

  private static final int V = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int STRIP = Tile.STRIP;
  private static final int BLOCK = 32;
  private static final int PAIRS = BLOCK / 2;

  /// Where the scales of a strip begin.
  private static final int SCALES = STRIP / 2;

  /// Where it has what the sums of its blocks begin with.
  private static final int OFFSETS = SCALES + STRIP / BLOCK;

  /// Makes signed nibbles those that are larger by eight.
  private static final int EIGHTS = 0x88888888;

  /// The last nibble of both halves.
  private static final int LAST = 0x000F000F;

  /// Bytes of a block of a group.
  private static final long GROUP_BLOCK = 18L * WIDTH;

  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(16 * V));

  private static final VectorSpecies<Short> I16 =
      VectorSpecies.of(short.class, VectorShape.forBitSize(32 * V));

  private static final VectorSpecies<Byte> I8 =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(16 * V));

  private static final VectorShuffle<Short> INTERLEAVED =
      VectorShuffle.fromOp(I16, i -> i / 8 * 8 + i % 8 / 2 + (i % 2 == 0 ? 4 : 0));

  private final short[] panel = new short[STRIP * WIDTH];
  private final short[] sums = new short[STRIP / BLOCK * ROWS * 2 * WIDTH];
  private final float[] scales = new float[STRIP / BLOCK * WIDTH];

  /// A k-block of A as strips: of row i the pairs from `out[at + i · STRIP]`, as bits of floats,
  /// then the scales of its blocks, then what their sums begin with, in both halves of an int.
  ///
  /// @param k first column, of `kc`
  static void strips(Matrix a, int rows, int k, int kc, float[] out, int at) {
    for (int i = 0; i < rows; i++) {
      for (int p = 0; p < kc; p += BLOCK) {
        long from = a.at(i, k + p);
        int strip = at + i * STRIP;
        int block = strip + p / BLOCK;
        out[block + SCALES] = Float.float16ToFloat(a.memory().get(JAVA_SHORT_UNALIGNED, from));
        IntVector sums = IntVector.zero(I32);
        for (int e = 0; e < BLOCK; e += 2 * V) {
          ByteVector bytes = ByteVector.fromMemorySegment(I8, a.memory(), from + 2 + e, ORDER);
          ShortVector shorts = (ShortVector) bytes.convertShape(B2S, I16, 0);
          ShortVector pairs = shorts.rearrange(INTERLEAVED);
          pairs.reinterpretAsFloats().intoArray(out, strip + (p + e) / 2);
          sums = sums.reinterpretAsShorts().add(pairs).reinterpretAsInts();
        }
        int upper = sums.lanewise(ASHR, 16).reduceLanes(ADD);
        int lower = sums.lanewise(LSHL, 16).lanewise(ASHR, 16).reduceLanes(ADD);
        out[block + OFFSETS] = Float.intBitsToFloat(-8 * upper << 16 | -8 * lower & 0xFFFF);
      }
    }
  }

  /// `out[i · WIDTH + j] = Σ a[i, p] · b[p, j]` over a k-block of a group.
  ///
  /// @param from where the group's k-block begins
  /// @param a strips from `ao`
  void multiply(int rows, int kc, MemorySegment b, long from, float[] a, int ao, float[] out) {
    if (rows == 1 && dot(b, from, kc, a, ao, out)) {
      return;
    }
    scales(b, from, kc, scales);
    panel(b, from, kc, panel);
    for (int i = 0; i < rows; i += ROWS) {
      rows4(kc, a, ao + i * STRIP, panel, sums);
      chains4(kc, sums, scales, a, ao + i * STRIP, out, i * WIDTH);
    }
  }

  private static void scales(MemorySegment b, long from, int kc, float[] out) {
    for (int k = 0; k < kc / BLOCK; k++) {
      Packed.scales(b, from + k * GROUP_BLOCK).intoArray(out, k * WIDTH);
      Packed.scales(b, from + k * GROUP_BLOCK + 2 * V).intoArray(out, k * WIDTH + V);
    }
  }

  /// One row, without a panel between, and with memory read from end to end, scales too. Methods
  /// that are not of the Vector API are not called here: in a method of this size the compiler no
  /// longer inlines them.
  ///
  /// @return whether that is the result: it is not where a scale of B is no finite number
  private static boolean dot(MemorySegment b, long from, int kc, float[] a, int ao, float[] out) {
    FloatVector c0 = FloatVector.zero(F32);
    FloatVector c1 = FloatVector.zero(F32);
    IntVector most = IntVector.zero(I32);
    for (int k = 0; k < kc / BLOCK; k++) {
      long block = from + k * GROUP_BLOCK;
      int pairs = ao + k * PAIRS;
      // halves whose sign, exponent and fraction are put in the place of a float's: see Packed
      ShortVector h0 = ShortVector.fromMemorySegment(HALVES, b, block, ORDER);
      ShortVector h1 = ShortVector.fromMemorySegment(HALVES, b, block + 2 * V, ORDER);
      IntVector scale0 =
          ((IntVector) h0.convertShape(S2I, I32, 0)).lanewise(LSHL, 13).and(Packed.HALF);
      IntVector scale1 =
          ((IntVector) h1.convertShape(S2I, I32, 0)).lanewise(LSHL, 13).and(Packed.HALF);
      most = most.max(scale0.and(Packed.MAGNITUDE)).max(scale1.and(Packed.MAGNITUDE));
      ShortVector s0 = FloatVector.broadcast(F32, a[ao + OFFSETS + k]).reinterpretAsShorts();
      ShortVector s1 = s0;
      for (int p = 0; p < BLOCK; p += 8) {
        long at = block + 2 * WIDTH + p / 2 * (long) WIDTH;
        IntVector x = IntVector.fromMemorySegment(I32, b, at, ORDER).lanewise(XOR, EIGHTS);
        IntVector y = IntVector.fromMemorySegment(I32, b, at + 4 * V, ORDER).lanewise(XOR, EIGHTS);
        for (int s = 3; s >= 0; s--) {
          ShortVector both = FloatVector.broadcast(F32, a[pairs + p / 2 + s]).reinterpretAsShorts();
          s0 = s0.add(x.and(LAST).reinterpretAsShorts().mul(both));
          s1 = s1.add(y.and(LAST).reinterpretAsShorts().mul(both));
          x = x.lanewise(LSHR, 4);
          y = y.lanewise(LSHR, 4);
        }
      }
      IntVector i0 = s0.reinterpretAsInts();
      IntVector i1 = s1.reinterpretAsInts();
      i0 = i0.lanewise(ASHR, 16).add(i0.lanewise(LSHL, 16).lanewise(ASHR, 16));
      i1 = i1.lanewise(ASHR, 16).add(i1.lanewise(LSHL, 16).lanewise(ASHR, 16));
      FloatVector scale = FloatVector.broadcast(F32, a[ao + SCALES + k]);
      FloatVector d0 = scale0.reinterpretAsFloats().mul(0x1p112f).mul(scale);
      FloatVector d1 = scale1.reinterpretAsFloats().mul(0x1p112f).mul(scale);
      c0 = ((FloatVector) i0.convertShape(I2F, F32, 0)).fma(d0, c0);
      c1 = ((FloatVector) i1.convertShape(I2F, F32, 0)).fma(d1, c1);
    }
    c0.intoArray(out, 0);
    c1.intoArray(out, V);
    return most.reduceLanes(MAX) < Packed.INFINITY;
  }

  /// The nibbles as shorts: those that meet pair i are the 4V from `out[i · 4V]`.
  private static void panel(MemorySegment b, long from, int kc, short[] out) {
    for (int k = 0; k < kc; k += 8) {
      long at = from + k / BLOCK * GROUP_BLOCK + 2 * WIDTH + k % BLOCK / 2 * (long) WIDTH;
      IntVector x = IntVector.fromMemorySegment(I32, b, at, ORDER).lanewise(XOR, EIGHTS);
      IntVector y = IntVector.fromMemorySegment(I32, b, at + 4 * V, ORDER).lanewise(XOR, EIGHTS);
      for (int s = 3; s >= 0; s--) {
        int to = (k / 2 + s) * 2 * WIDTH;
        x.and(LAST).reinterpretAsShorts().intoArray(out, to);
        y.and(LAST).reinterpretAsShorts().intoArray(out, to + 2 * V);
        x = x.lanewise(LSHR, 4);
        y = y.lanewise(LSHR, 4);
      }
    }
  }

  /// Sums of the blocks of four rows: of block i, row r and half h of the group the 2V halves from
  /// `out[((i · ROWS + r) · 2 + h) · 2V]`.
  private static void rows4(int kc, float[] a, int ao, short[] b, short[] out) {
    for (int k = 0; k < kc / BLOCK; k++) {
      int offset = ao + OFFSETS + k;
      ShortVector c00 = FloatVector.broadcast(F32, a[offset]).reinterpretAsShorts();
      ShortVector c01 = c00;
      ShortVector c10 = FloatVector.broadcast(F32, a[offset + STRIP]).reinterpretAsShorts();
      ShortVector c11 = c10;
      ShortVector c20 = FloatVector.broadcast(F32, a[offset + 2 * STRIP]).reinterpretAsShorts();
      ShortVector c21 = c20;
      ShortVector c30 = FloatVector.broadcast(F32, a[offset + 3 * STRIP]).reinterpretAsShorts();
      ShortVector c31 = c30;
      int pairs = ao + k * PAIRS;
      int block = k * PAIRS * 2 * WIDTH;
      for (int i = 0; i < PAIRS; i++) {
        ShortVector b0 = ShortVector.fromArray(I16, b, block + i * 2 * WIDTH);
        ShortVector b1 = ShortVector.fromArray(I16, b, block + i * 2 * WIDTH + 2 * V);
        ShortVector a0 = FloatVector.broadcast(F32, a[pairs + i]).reinterpretAsShorts();
        c00 = a0.mul(b0).add(c00);
        c01 = a0.mul(b1).add(c01);
        ShortVector a1 = FloatVector.broadcast(F32, a[pairs + STRIP + i]).reinterpretAsShorts();
        c10 = a1.mul(b0).add(c10);
        c11 = a1.mul(b1).add(c11);
        ShortVector a2 = FloatVector.broadcast(F32, a[pairs + 2 * STRIP + i]).reinterpretAsShorts();
        c20 = a2.mul(b0).add(c20);
        c21 = a2.mul(b1).add(c21);
        ShortVector a3 = FloatVector.broadcast(F32, a[pairs + 3 * STRIP + i]).reinterpretAsShorts();
        c30 = a3.mul(b0).add(c30);
        c31 = a3.mul(b1).add(c31);
      }
      int to = k * ROWS * 2 * WIDTH;
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

  /// The chains of four rows over the blocks, written out as the tile is: sums of two halves, times
  /// both scales.
  private static void chains4(
      int kc, short[] sums, float[] scales, float[] a, int ao, float[] out, int oo) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    FloatVector c10 = FloatVector.zero(F32);
    FloatVector c11 = FloatVector.zero(F32);
    FloatVector c20 = FloatVector.zero(F32);
    FloatVector c21 = FloatVector.zero(F32);
    FloatVector c30 = FloatVector.zero(F32);
    FloatVector c31 = FloatVector.zero(F32);
    for (int k = 0; k < kc / BLOCK; k++) {
      int at = k * ROWS * 2 * WIDTH;
      FloatVector d0 = FloatVector.fromArray(F32, scales, k * WIDTH);
      FloatVector d1 = FloatVector.fromArray(F32, scales, k * WIDTH + V);
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + SCALES + k]);
      IntVector i00 = ShortVector.fromArray(I16, sums, at).reinterpretAsInts();
      i00 = i00.lanewise(ASHR, 16).add(i00.lanewise(LSHL, 16).lanewise(ASHR, 16));
      c00 = ((FloatVector) i00.convertShape(I2F, F32, 0)).fma(d0.mul(a0), c00);
      IntVector i01 = ShortVector.fromArray(I16, sums, at + 2 * V).reinterpretAsInts();
      i01 = i01.lanewise(ASHR, 16).add(i01.lanewise(LSHL, 16).lanewise(ASHR, 16));
      c01 = ((FloatVector) i01.convertShape(I2F, F32, 0)).fma(d1.mul(a0), c01);
      FloatVector a1 = FloatVector.broadcast(F32, a[ao + SCALES + STRIP + k]);
      IntVector i10 = ShortVector.fromArray(I16, sums, at + 4 * V).reinterpretAsInts();
      i10 = i10.lanewise(ASHR, 16).add(i10.lanewise(LSHL, 16).lanewise(ASHR, 16));
      c10 = ((FloatVector) i10.convertShape(I2F, F32, 0)).fma(d0.mul(a1), c10);
      IntVector i11 = ShortVector.fromArray(I16, sums, at + 6 * V).reinterpretAsInts();
      i11 = i11.lanewise(ASHR, 16).add(i11.lanewise(LSHL, 16).lanewise(ASHR, 16));
      c11 = ((FloatVector) i11.convertShape(I2F, F32, 0)).fma(d1.mul(a1), c11);
      FloatVector a2 = FloatVector.broadcast(F32, a[ao + SCALES + 2 * STRIP + k]);
      IntVector i20 = ShortVector.fromArray(I16, sums, at + 8 * V).reinterpretAsInts();
      i20 = i20.lanewise(ASHR, 16).add(i20.lanewise(LSHL, 16).lanewise(ASHR, 16));
      c20 = ((FloatVector) i20.convertShape(I2F, F32, 0)).fma(d0.mul(a2), c20);
      IntVector i21 = ShortVector.fromArray(I16, sums, at + 10 * V).reinterpretAsInts();
      i21 = i21.lanewise(ASHR, 16).add(i21.lanewise(LSHL, 16).lanewise(ASHR, 16));
      c21 = ((FloatVector) i21.convertShape(I2F, F32, 0)).fma(d1.mul(a2), c21);
      FloatVector a3 = FloatVector.broadcast(F32, a[ao + SCALES + 3 * STRIP + k]);
      IntVector i30 = ShortVector.fromArray(I16, sums, at + 12 * V).reinterpretAsInts();
      i30 = i30.lanewise(ASHR, 16).add(i30.lanewise(LSHL, 16).lanewise(ASHR, 16));
      c30 = ((FloatVector) i30.convertShape(I2F, F32, 0)).fma(d0.mul(a3), c30);
      IntVector i31 = ShortVector.fromArray(I16, sums, at + 14 * V).reinterpretAsInts();
      i31 = i31.lanewise(ASHR, 16).add(i31.lanewise(LSHL, 16).lanewise(ASHR, 16));
      c31 = ((FloatVector) i31.convertShape(I2F, F32, 0)).fma(d1.mul(a3), c31);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
    c10.intoArray(out, oo + WIDTH);
    c11.intoArray(out, oo + WIDTH + V);
    c20.intoArray(out, oo + 2 * WIDTH);
    c21.intoArray(out, oo + 2 * WIDTH + V);
    c30.intoArray(out, oo + 3 * WIDTH);
    c31.intoArray(out, oo + 3 * WIDTH + V);
  }
}
