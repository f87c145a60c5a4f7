package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;

import jdk.incubator.vector.FloatVector;

/// The register tile for machines with 16 registers: up to 3 rows of C by 3 vectors.
///
/// The sums live in local variables, written out because the compiler keeps only such in registers.
/// With more than 9 sums it spills, at less than half of the speed (measured on Zen 3).
final class Tile3x3 {
  static final int ROWS = 3;
  private static final int V = Lanes.COUNT;
  static final int WIDTH = 3 * V;
  private static final int STRIP = Tile.STRIP;

  private Tile3x3() {}

  /// `out[r, ·] = Σ a[r, p] · b[p, ·]` over `p` from 0 to `kc`, one FMA chain each.
  ///
  /// @param rows rows of the tile, at most [#ROWS]
  /// @param a strips of [Tile#STRIP] elements from `ao`, one for each row
  /// @param b a panel of `kc` rows of [#WIDTH] elements from `bo`
  /// @param out rows `ld` apart from `oo`
  static void run(
      int rows, int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    int r = 0;
    while (rows - r >= 3) {
      rows3(kc, a, ao + r * STRIP, b, bo, out, oo + r * ld, ld);
      r += 3;
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

  private static FloatVector load(float[] b, int at) {
    return FloatVector.fromArray(F32, b, at);
  }

  private static void rows3(
      int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    FloatVector c02 = FloatVector.zero(F32);
    FloatVector c10 = FloatVector.zero(F32);
    FloatVector c11 = FloatVector.zero(F32);
    FloatVector c12 = FloatVector.zero(F32);
    FloatVector c20 = FloatVector.zero(F32);
    FloatVector c21 = FloatVector.zero(F32);
    FloatVector c22 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      int q = bo + p * WIDTH;
      FloatVector b0 = load(b, q);
      FloatVector b1 = load(b, q + V);
      FloatVector b2 = load(b, q + 2 * V);
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + p]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      c02 = a0.fma(b2, c02);
      FloatVector a1 = FloatVector.broadcast(F32, a[ao + STRIP + p]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      c12 = a1.fma(b2, c12);
      FloatVector a2 = FloatVector.broadcast(F32, a[ao + 2 * STRIP + p]);
      c20 = a2.fma(b0, c20);
      c21 = a2.fma(b1, c21);
      c22 = a2.fma(b2, c22);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
    c02.intoArray(out, oo + 2 * V);
    c10.intoArray(out, oo + ld);
    c11.intoArray(out, oo + ld + V);
    c12.intoArray(out, oo + ld + 2 * V);
    c20.intoArray(out, oo + 2 * ld);
    c21.intoArray(out, oo + 2 * ld + V);
    c22.intoArray(out, oo + 2 * ld + 2 * V);
  }

  private static void rows2(
      int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    FloatVector c02 = FloatVector.zero(F32);
    FloatVector c10 = FloatVector.zero(F32);
    FloatVector c11 = FloatVector.zero(F32);
    FloatVector c12 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      int q = bo + p * WIDTH;
      FloatVector b0 = load(b, q);
      FloatVector b1 = load(b, q + V);
      FloatVector b2 = load(b, q + 2 * V);
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + p]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      c02 = a0.fma(b2, c02);
      FloatVector a1 = FloatVector.broadcast(F32, a[ao + STRIP + p]);
      c10 = a1.fma(b0, c10);
      c11 = a1.fma(b1, c11);
      c12 = a1.fma(b2, c12);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
    c02.intoArray(out, oo + 2 * V);
    c10.intoArray(out, oo + ld);
    c11.intoArray(out, oo + ld + V);
    c12.intoArray(out, oo + ld + 2 * V);
  }

  private static void rows1(
      int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    FloatVector c00 = FloatVector.zero(F32);
    FloatVector c01 = FloatVector.zero(F32);
    FloatVector c02 = FloatVector.zero(F32);
    for (int p = 0; p < kc; p++) {
      int q = bo + p * WIDTH;
      FloatVector b0 = load(b, q);
      FloatVector b1 = load(b, q + V);
      FloatVector b2 = load(b, q + 2 * V);
      FloatVector a0 = FloatVector.broadcast(F32, a[ao + p]);
      c00 = a0.fma(b0, c00);
      c01 = a0.fma(b1, c01);
      c02 = a0.fma(b2, c02);
    }
    c00.intoArray(out, oo);
    c01.intoArray(out, oo + V);
    c02.intoArray(out, oo + 2 * V);
  }
}
