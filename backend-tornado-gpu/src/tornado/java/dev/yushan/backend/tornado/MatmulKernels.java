package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Matrix products. Both kernels compute an element the same way: blocks of [#BLOCK] products, each
/// one chain in ascending k, added up in ascending order. So its bits depend on neither the kernel
/// nor what is computed beside it.
///
/// Parameters: 24 M, 25 N, 26 K (bounds), 27 a, 28 and 29 its strides along rows and k; 30 b, 31
/// and 32 its strides along k and columns, 33 its type; 34 c, 35 its stride along rows; 36 alpha,
/// 38 beta, 40 whether c is read. Live counts of M at 0 and of K at [Common#SECOND].
final class MatmulKernels {
  /// Products of one chain.
  static final int BLOCK = 256;

  /// Rows and columns of a tile of the result.
  static final int TILE = 64;

  /// Threads of a group, each with 4 by 4 elements of a tile.
  static final int GROUP = 256;

  private static final int STEP = 16;
  private static final int PITCH = 65;

  /// Rows that [#kFewRows] takes at most.
  static final int FEW = 4;

  /// Columns of the result that a group of [#kFewRows] computes, and blocks of k it does at once.
  static final int COLUMNS = 32;

  private static final int BLOCKS = 8;
  private static final int PIECE = 16;
  private static final int PIECE_PITCH = 17;

  private MatmulKernels() {}

  private static float b(IntArray p, FloatArray f, ShortArray h, int type, int k, int column) {
    if (type == Packed.F32) {
      return f.get(p.get(30) + k * p.get(31) + column * p.get(32));
    }
    return Packed.read(h, f, type, p.get(30), k * p.get(31) + column * p.get(32));
  }

  private static void store(IntArray p, FloatArray f, int m, int row, int column, float sum) {
    if (row < m) {
      if (column < p.get(25)) {
        int at = p.get(34) + row * p.get(35) + column;
        float value = Common.number(p, f, 36) * sum;
        if (p.get(40) == 1) {
          value = value + Common.number(p, f, 38) * f.get(at);
        }
        f.set(at, value);
      }
    }
  }

  /// A tile of the result a group, register-tiled: tiles of a and b lie in local memory.
  static void kMatmul(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] left = c.allocateFloatLocalArray(STEP * PITCH);
    float[] right = c.allocateFloatLocalArray(STEP * PITCH);
    int l = c.localIdx;
    int m = Common.live(p, w, 0);
    int k = Common.live(p, w, Common.SECOND);
    int n = p.get(25);
    int across = (n + TILE - 1) / TILE;
    int group = c.groupIdx;
    int top = group / across * TILE;
    int first = (group - group / across * across) * TILE;
    int y = l / 16 * 4;
    int x = l - l / 16 * 16;
    int type = p.get(33);
    boolean alongA = p.get(29) == 1;
    boolean alongB = p.get(31) == 1;
    float c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
    float c20 = 0, c21 = 0, c22 = 0, c23 = 0, c30 = 0, c31 = 0, c32 = 0, c33 = 0;
    float t00 = 0, t01 = 0, t02 = 0, t03 = 0, t10 = 0, t11 = 0, t12 = 0, t13 = 0;
    float t20 = 0, t21 = 0, t22 = 0, t23 = 0, t30 = 0, t31 = 0, t32 = 0, t33 = 0;
    if (top < m) {
      for (int k0 = 0; k0 < k; k0 += STEP) {
        for (int r = 0; r < 4; r++) {
          int e = l + GROUP * r;
          int kk = alongA ? e & 15 : e >> 6;
          int i = alongA ? e >> 4 : e & 63;
          float value = 0;
          if (top + i < m) {
            if (k0 + kk < k) {
              value = f.get(p.get(27) + (top + i) * p.get(28) + (k0 + kk) * p.get(29));
            }
          }
          left[kk * PITCH + i] = value;
          kk = alongB ? e & 15 : e >> 6;
          i = alongB ? e >> 4 : e & 63;
          value = 0;
          if (first + i < n) {
            if (k0 + kk < k) {
              value = b(p, f, h, type, k0 + kk, first + i);
            }
          }
          right[kk * PITCH + i] = value;
        }
        c.localBarrier();
        int last = k - k0 < STEP ? k - k0 : STEP;
        for (int kk = 0; kk < last; kk++) {
          int la = kk * PITCH + y;
          int lb = kk * PITCH + x;
          float a0 = left[la];
          float a1 = left[la + 1];
          float a2 = left[la + 2];
          float a3 = left[la + 3];
          float b0 = right[lb];
          float b1 = right[lb + 16];
          float b2 = right[lb + 32];
          float b3 = right[lb + 48];
          c00 = c00 + a0 * b0;
          c01 = c01 + a0 * b1;
          c02 = c02 + a0 * b2;
          c03 = c03 + a0 * b3;
          c10 = c10 + a1 * b0;
          c11 = c11 + a1 * b1;
          c12 = c12 + a1 * b2;
          c13 = c13 + a1 * b3;
          c20 = c20 + a2 * b0;
          c21 = c21 + a2 * b1;
          c22 = c22 + a2 * b2;
          c23 = c23 + a2 * b3;
          c30 = c30 + a3 * b0;
          c31 = c31 + a3 * b1;
          c32 = c32 + a3 * b2;
          c33 = c33 + a3 * b3;
        }
        c.localBarrier();
        if ((k0 & (BLOCK - 1)) == BLOCK - STEP || k0 + STEP >= k) {
          t00 += c00;
          t01 += c01;
          t02 += c02;
          t03 += c03;
          t10 += c10;
          t11 += c11;
          t12 += c12;
          t13 += c13;
          t20 += c20;
          t21 += c21;
          t22 += c22;
          t23 += c23;
          t30 += c30;
          t31 += c31;
          t32 += c32;
          t33 += c33;
          c00 = 0;
          c01 = 0;
          c02 = 0;
          c03 = 0;
          c10 = 0;
          c11 = 0;
          c12 = 0;
          c13 = 0;
          c20 = 0;
          c21 = 0;
          c22 = 0;
          c23 = 0;
          c30 = 0;
          c31 = 0;
          c32 = 0;
          c33 = 0;
        }
      }
      int row = top + y;
      int column = first + x;
      store(p, f, m, row, column, t00);
      store(p, f, m, row, column + 16, t01);
      store(p, f, m, row, column + 32, t02);
      store(p, f, m, row, column + 48, t03);
      store(p, f, m, row + 1, column, t10);
      store(p, f, m, row + 1, column + 16, t11);
      store(p, f, m, row + 1, column + 32, t12);
      store(p, f, m, row + 1, column + 48, t13);
      store(p, f, m, row + 2, column, t20);
      store(p, f, m, row + 2, column + 16, t21);
      store(p, f, m, row + 2, column + 32, t22);
      store(p, f, m, row + 2, column + 48, t23);
      store(p, f, m, row + 3, column, t30);
      store(p, f, m, row + 3, column + 16, t31);
      store(p, f, m, row + 3, column + 32, t32);
      store(p, f, m, row + 3, column + 48, t33);
    }
  }

  /// Up to [#FEW] rows, as decoding has: a group takes [#COLUMNS] columns, a thread one column and
  /// one block of k, so that all of a device reads weights.
  static void kFewRows(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] piece = c.allocateFloatLocalArray(COLUMNS * BLOCKS * PIECE_PITCH);
    float[] sums = c.allocateFloatLocalArray(COLUMNS * BLOCKS * FEW);
    int l = c.localIdx;
    int m = Common.live(p, w, 0);
    int k = Common.live(p, w, Common.SECOND);
    int n = p.get(25);
    int first = c.groupIdx * COLUMNS;
    int column = l / BLOCKS;
    int block = l - column * BLOCKS;
    int type = p.get(33);
    boolean alongB = p.get(31) == 1;
    int a = p.get(27);
    int aRow = p.get(28);
    int aStep = p.get(29);
    float t = 0;
    for (int k0 = 0; k0 < k; k0 += BLOCKS * BLOCK) {
      float c0 = 0;
      float c1 = 0;
      float c2 = 0;
      float c3 = 0;
      for (int s = 0; s < BLOCK; s += PIECE) {
        for (int r = 0; r < PIECE; r++) {
          int e = l + GROUP * r;
          int segment = alongB ? e >> 4 : (e & 31) * BLOCKS + (e >> 9);
          int kk = alongB ? e & 15 : (e >> 5) & 15;
          int j = first + segment / BLOCKS;
          int at = k0 + (segment - segment / BLOCKS * BLOCKS) * BLOCK + s + kk;
          float value = 0;
          if (j < n) {
            if (at < k) {
              value = b(p, f, h, type, at, j);
            }
          }
          piece[segment * PIECE_PITCH + kk] = value;
        }
        c.localBarrier();
        int from = k0 + block * BLOCK + s;
        int last = k - from < PIECE ? k - from : PIECE;
        for (int kk = 0; kk < last; kk++) {
          float weight = piece[l * PIECE_PITCH + kk];
          int at = a + (from + kk) * aStep;
          c0 = c0 + f.get(at) * weight;
          if (m > 1) {
            c1 = c1 + f.get(at + aRow) * weight;
          }
          if (m > 2) {
            c2 = c2 + f.get(at + 2 * aRow) * weight;
          }
          if (m > 3) {
            c3 = c3 + f.get(at + 3 * aRow) * weight;
          }
        }
        c.localBarrier();
      }
      sums[l] = c0;
      sums[GROUP + l] = c1;
      sums[2 * GROUP + l] = c2;
      sums[3 * GROUP + l] = c3;
      c.localBarrier();
      if (l < COLUMNS * FEW) {
        int row = l / COLUMNS;
        int j = l - row * COLUMNS;
        for (int q = 0; q < BLOCKS; q++) {
          if (k0 + q * BLOCK < k) {
            t += sums[row * GROUP + j * BLOCKS + q];
          }
        }
      }
      c.localBarrier();
    }
    if (l < COLUMNS * FEW) {
      int row = l / COLUMNS;
      store(p, f, m, row, first + l - row * COLUMNS, t);
    }
  }
}
