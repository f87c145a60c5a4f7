package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.I32;
import static dev.yushan.backend.cpu.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// The register tile for machines with 32 wide registers: up to 8 rows of C by 2 vectors.
///
/// The sums live in local variables, written out because the compiler keeps only such in registers.
/// 8 × 2 reaches 95 % of the FMA peak of a Zen 4 core, and larger tiles no more.
final class Tile8x2 {
  static final int ROWS = 8;
  private static final int V = Lanes.COUNT;
  static final int WIDTH = 2 * V;
  private static final int STRIP = Tile.STRIP;

  private Tile8x2() {}

  /// `out[r, ·] = Σ a[r, p] · b[p, ·]` over `p` from 0 to `kc`, one FMA chain each.
  ///
  /// @param rows rows of the tile, at most [#ROWS]
  /// @param a strips of [Tile#STRIP] elements from `ao`, one for each row
  /// @param b a panel of `kc` rows of [#WIDTH] elements from `bo`
  /// @param out rows `ld` apart from `oo`
  static void run(
      int rows, int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    int r = 0;
    while (rows - r >= 8) {
      rows8(kc, a, ao + r * STRIP, b, bo, out, oo + r * ld, ld);
      r += 8;
    }
    while (rows - r >= 4) {
      rows4(kc, a, ao + r * STRIP, b, bo, out, oo + r * ld, ld);
      r += 4;
    }
    while (rows - r >= 2) {
      rows2(kc, a, ao + r * STRIP, b, bo, out, oo + r * ld, ld);
      r += 2;
    }
    while (rows - r >= 1) {
      rows1(kc, a, ao + r * STRIP, b, bo, out, oo + r * ld, ld);
      r += 1;
    }
  }

  private static void rows8(
      int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    FloatVector c10 = FloatVector.zero(F32);
    FloatVector c11 = FloatVector.zero(F32);
    FloatVector c20 = FloatVector.zero(F32);
    FloatVector c21 = FloatVector.zero(F32);
    FloatVector c30 = FloatVector.zero(F32);
    FloatVector c31 = FloatVector.zero(F32);
    FloatVector c40 = FloatVector.zero(F32);
    FloatVector c41 = FloatVector.zero(F32);
    FloatVector c50 = FloatVector.zero(F32);
    FloatVector c51 = FloatVector.zero(F32);
    FloatVector c60 = FloatVector.zero(F32);
    FloatVector c61 = FloatVector.zero(F32);
    FloatVector c70 = FloatVector.zero(F32);
    FloatVector c71 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      int q = bo + p * WIDTH;
      FloatVector b0 = FloatVector.fromArray(F32, b, q);
      FloatVector b1 = FloatVector.fromArray(F32, b, q + V);
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + p]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = FloatVector.broadcast(F32, a[ao + STRIP + p]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      FloatVector a2 = FloatVector.broadcast(F32, a[ao + 2 * STRIP + p]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      FloatVector a3 = FloatVector.broadcast(F32, a[ao + 3 * STRIP + p]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      FloatVector a4 = FloatVector.broadcast(F32, a[ao + 4 * STRIP + p]);
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      FloatVector a5 = FloatVector.broadcast(F32, a[ao + 5 * STRIP + p]);
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
      FloatVector a6 = FloatVector.broadcast(F32, a[ao + 6 * STRIP + p]);
      c60 = a6.fma(b0, c60);
      c61 = a6.fma(b1, c61);
      FloatVector a7 = FloatVector.broadcast(F32, a[ao + 7 * STRIP + p]);
      c70 = a7.fma(b0, c70);
      c71 = a7.fma(b1, c71);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
    c10.intoArray(out, oo + ld);
    c11.intoArray(out, oo + ld + V);
    c20.intoArray(out, oo + 2 * ld);
    c21.intoArray(out, oo + 2 * ld + V);
    c30.intoArray(out, oo + 3 * ld);
    c31.intoArray(out, oo + 3 * ld + V);
    c40.intoArray(out, oo + 4 * ld);
    c41.intoArray(out, oo + 4 * ld + V);
    c50.intoArray(out, oo + 5 * ld);
    c51.intoArray(out, oo + 5 * ld + V);
    c60.intoArray(out, oo + 6 * ld);
    c61.intoArray(out, oo + 6 * ld + V);
    c70.intoArray(out, oo + 7 * ld);
    c71.intoArray(out, oo + 7 * ld + V);
  }

  /// Eight rows by a block of BF16 weights as [Packed] has them, widened in registers: of few rows,
  /// writing a panel and reading it again takes an eighth of the time.
  ///
  /// @param b the block, from `bo`
  static void rows8(
      int kc, float[] a, int ao, MemorySegment b, long bo, float[] out, int oo, int ld) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    FloatVector c10 = FloatVector.zero(F32);
    FloatVector c11 = FloatVector.zero(F32);
    FloatVector c20 = FloatVector.zero(F32);
    FloatVector c21 = FloatVector.zero(F32);
    FloatVector c30 = FloatVector.zero(F32);
    FloatVector c31 = FloatVector.zero(F32);
    FloatVector c40 = FloatVector.zero(F32);
    FloatVector c41 = FloatVector.zero(F32);
    FloatVector c50 = FloatVector.zero(F32);
    FloatVector c51 = FloatVector.zero(F32);
    FloatVector c60 = FloatVector.zero(F32);
    FloatVector c61 = FloatVector.zero(F32);
    FloatVector c70 = FloatVector.zero(F32);
    FloatVector c71 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      IntVector pair = IntVector.fromMemorySegment(I32, b, bo + p * (2L * WIDTH), ORDER);
      FloatVector b0 = pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
      FloatVector b1 = pair.and(0xFFFF0000).reinterpretAsFloats();
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + p]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = FloatVector.broadcast(F32, a[ao + STRIP + p]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      FloatVector a2 = FloatVector.broadcast(F32, a[ao + 2 * STRIP + p]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      FloatVector a3 = FloatVector.broadcast(F32, a[ao + 3 * STRIP + p]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
      FloatVector a4 = FloatVector.broadcast(F32, a[ao + 4 * STRIP + p]);
      c40 = a4.fma(b0, c40);
      c41 = a4.fma(b1, c41);
      FloatVector a5 = FloatVector.broadcast(F32, a[ao + 5 * STRIP + p]);
      c50 = a5.fma(b0, c50);
      c51 = a5.fma(b1, c51);
      FloatVector a6 = FloatVector.broadcast(F32, a[ao + 6 * STRIP + p]);
      c60 = a6.fma(b0, c60);
      c61 = a6.fma(b1, c61);
      FloatVector a7 = FloatVector.broadcast(F32, a[ao + 7 * STRIP + p]);
      c70 = a7.fma(b0, c70);
      c71 = a7.fma(b1, c71);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
    c10.intoArray(out, oo + ld);
    c11.intoArray(out, oo + ld + V);
    c20.intoArray(out, oo + 2 * ld);
    c21.intoArray(out, oo + 2 * ld + V);
    c30.intoArray(out, oo + 3 * ld);
    c31.intoArray(out, oo + 3 * ld + V);
    c40.intoArray(out, oo + 4 * ld);
    c41.intoArray(out, oo + 4 * ld + V);
    c50.intoArray(out, oo + 5 * ld);
    c51.intoArray(out, oo + 5 * ld + V);
    c60.intoArray(out, oo + 6 * ld);
    c61.intoArray(out, oo + 6 * ld + V);
    c70.intoArray(out, oo + 7 * ld);
    c71.intoArray(out, oo + 7 * ld + V);
  }

  private static void rows4(
      int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    FloatVector c10 = FloatVector.zero(F32);
    FloatVector c11 = FloatVector.zero(F32);
    FloatVector c20 = FloatVector.zero(F32);
    FloatVector c21 = FloatVector.zero(F32);
    FloatVector c30 = FloatVector.zero(F32);
    FloatVector c31 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      int q = bo + p * WIDTH;
      FloatVector b0 = FloatVector.fromArray(F32, b, q);
      FloatVector b1 = FloatVector.fromArray(F32, b, q + V);
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + p]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = FloatVector.broadcast(F32, a[ao + STRIP + p]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      FloatVector a2 = FloatVector.broadcast(F32, a[ao + 2 * STRIP + p]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      FloatVector a3 = FloatVector.broadcast(F32, a[ao + 3 * STRIP + p]);
      c30 = a3.fma(b0, c30);
      c31 = a3.fma(b1, c31);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
    c10.intoArray(out, oo + ld);
    c11.intoArray(out, oo + ld + V);
    c20.intoArray(out, oo + 2 * ld);
    c21.intoArray(out, oo + 2 * ld + V);
    c30.intoArray(out, oo + 3 * ld);
    c31.intoArray(out, oo + 3 * ld + V);
  }

  private static void rows2(
      int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    FloatVector c10 = FloatVector.zero(F32);
    FloatVector c11 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      int q = bo + p * WIDTH;
      FloatVector b0 = FloatVector.fromArray(F32, b, q);
      FloatVector b1 = FloatVector.fromArray(F32, b, q + V);
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + p]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      FloatVector a1 = FloatVector.broadcast(F32, a[ao + STRIP + p]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
    c10.intoArray(out, oo + ld);
    c11.intoArray(out, oo + ld + V);
  }

  private static void rows1(
      int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      int q = bo + p * WIDTH;
      FloatVector b0 = FloatVector.fromArray(F32, b, q);
      FloatVector b1 = FloatVector.fromArray(F32, b, q + V);
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + p]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
  }
}
