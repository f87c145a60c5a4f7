package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// The product of many rows, by tiles of the result in registers. Parameters and bits are those of
/// [MatmulKernels].
final class MatmulTiles {
  /// Rows and columns of a tile of the result.
  static final int TILE = 128;

  /// Elements that a thread brings of each operand, and that it has of a row and a column.
  private static final int OWN = 8;

  /// From k to k in local memory: a multiple of four, so that four elements come at once.
  private static final int PITCH = TILE + 4;

  private static final int BLOCK = MatmulKernels.BLOCK;
  private static final int STEP = MatmulKernels.STEP;

  private MatmulTiles() {}

  /// A tile of the result a group: steps of a and b come to local memory, the next one to registers
  /// meanwhile. A thread has 8 by 8 elements, in four quarters of the tile.
  static void kMatmul(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] left = c.allocateFloatLocalArray(STEP * PITCH);
    float[] right = c.allocateFloatLocalArray(STEP * PITCH);
    float[] sums = new float[OWN * OWN];
    float[] chains = new float[OWN * OWN];
    float[] aheadA = new float[OWN];
    float[] aheadB = new float[OWN];
    int[] words = new int[OWN];
    float[] x = new float[OWN];
    float[] y = new float[OWN];
    int l = c.localIdx;
    int m = Common.live(p, w, 0);
    int k = Common.live(p, w, Common.SECOND);
    int n = p.get(25);
    int across = (n + TILE - 1) / TILE;
    int top = c.groupIdx / across * TILE;
    int first = (c.groupIdx - c.groupIdx / across * across) * TILE;
    int type = p.get(33);
    boolean quantised = Packed.quantised(type);
    // neighbours among threads bring what lies beside each other
    boolean alongA = p.get(29) == 1;
    boolean alongB = p.get(31) == 1;
    int kA = alongA ? l & 15 : l >> 7;
    int rowA = alongA ? l >> 4 : l & 127;
    int kB = alongB ? l & 15 : l >> 7;
    int columnB = alongB ? l >> 4 : l & 127;
    int stepKA = alongA ? 0 : 2;
    int stepA = alongA ? 16 : 0;
    int stepKB = alongB ? 0 : 2;
    int stepB = alongB ? 16 : 0;
    int a = p.get(27);
    int aRow = p.get(28);
    int aK = p.get(29);
    int b = p.get(30);
    int bK = p.get(31);
    int bColumn = p.get(32);
    int upper = l / 16 * 4;
    int near = (l & 15) * 4;
    for (int i = 0; i < OWN * OWN; i++) {
      sums[i] = 0;
      chains[i] = 0;
    }
    if (top < m) {
      for (int k0 = -STEP; k0 < k; k0 += STEP) {
        for (int r = 0; r < OWN; r++) {
          int at = k0 + STEP + kA + stepKA * r;
          int row = top + rowA + stepA * r;
          float value = 0;
          if (row < m) {
            if (at < k) {
              value = f.get(a + row * aRow + at * aK);
            }
          }
          aheadA[r] = value;
        }
        if (type == Packed.F32) {
          for (int r = 0; r < OWN; r++) {
            int at = k0 + STEP + kB + stepKB * r;
            int column = first + columnB + stepB * r;
            int e = at * bK + column * bColumn;
            float value = 0;
            if (column < n) {
              if (at < k) {
                value = f.get(b + e);
              }
            }
            aheadB[r] = value;
          }
        }
        if (quantised) {
          for (int r = 0; r < OWN; r++) {
            int at = k0 + STEP + kB + stepKB * r;
            int column = first + columnB + stepB * r;
            int e = at * bK + column * bColumn;
            int scale = 0;
            if (column < n) {
              if (at < k) {
                scale = h.get(b + Packed.scaleAt(type, e)) & 65535;
              }
            }
            words[r] = scale;
          }
          for (int r = 0; r < OWN; r++) {
            aheadB[r] = Packed.half(f, words[r]);
          }
        }
        if (type != Packed.F32) {
          for (int r = 0; r < OWN; r++) {
            int at = k0 + STEP + kB + stepKB * r;
            int column = first + columnB + stepB * r;
            int e = at * bK + column * bColumn;
            int word = 0;
            if (column < n) {
              if (at < k) {
                word = h.get(b + Packed.at(type, e)) & 65535;
              }
            }
            words[r] = word;
          }
        }
        if (type == Packed.BF16) {
          for (int r = 0; r < OWN; r++) {
            aheadB[r] = Packed.bfloat(f, words[r]);
          }
        }
        if (type == Packed.F16) {
          for (int r = 0; r < OWN; r++) {
            aheadB[r] = Packed.half(f, words[r]);
          }
        }
        if (quantised) {
          for (int r = 0; r < OWN; r++) {
            int at = k0 + STEP + kB + stepKB * r;
            int column = first + columnB + stepB * r;
            int e = at * bK + column * bColumn;
            aheadB[r] = aheadB[r] * Packed.quant(type, e, words[r]);
          }
        }
        if (k0 >= 0) {
          for (int kk = 0; kk < STEP; kk++) {
            for (int i = 0; i < 4; i++) {
              x[i] = left[kk * PITCH + upper + i];
              x[4 + i] = left[kk * PITCH + 64 + upper + i];
              y[i] = right[kk * PITCH + near + i];
              y[4 + i] = right[kk * PITCH + 64 + near + i];
            }
            for (int i = 0; i < OWN; i++) {
              for (int j = 0; j < OWN; j++) {
                chains[i * OWN + j] = chains[i * OWN + j] + x[i] * y[j];
              }
            }
          }
          if ((k0 & (BLOCK - 1)) == BLOCK - STEP || k0 + STEP >= k) {
            for (int i = 0; i < OWN * OWN; i++) {
              sums[i] = sums[i] + chains[i];
              chains[i] = 0;
            }
          }
        }
        c.localBarrier();
        for (int r = 0; r < OWN; r++) {
          left[(kA + stepKA * r) * PITCH + rowA + stepA * r] = aheadA[r];
          right[(kB + stepKB * r) * PITCH + columnB + stepB * r] = aheadB[r];
        }
        c.localBarrier();
      }
      for (int i = 0; i < OWN; i++) {
        for (int j = 0; j < OWN; j++) {
          int row = top + upper + (i & 3) + (i >> 2) * 64;
          int column = first + near + (j & 3) + (j >> 2) * 64;
          MatmulKernels.store(p, f, m, row, column, sums[i * OWN + j]);
        }
      }
    }
  }
}
