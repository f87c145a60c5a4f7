package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Products of few and of some rows: threads share k too, so that all of a device reads weights.
/// Parameters and bits are those of [MatmulKernels].
final class MatmulRows {
  /// Rows that [#kFewRows] takes at most.
  static final int FEW = 4;

  /// Columns of the result that a group of [#kFewRows] computes, and blocks of k it does at once.
  static final int COLUMNS = 8;

  private static final int BLOCKS = 32;

  /// Rows of a group of [#kSomeRows], which is worth it up to [#SEVERAL], its columns and blocks.
  static final int SOME = 16;

  static final int SEVERAL = 64;
  static final int WIDE = 32;
  private static final int DEEP = 8;

  /// From chain to chain, and from k to k, in local memory.
  private static final int PIECE_PITCH = MatmulKernels.STEP + 1;

  private static final int ROWS_PITCH = SOME + 4;

  private static final int BLOCK = MatmulKernels.BLOCK;
  private static final int STEP = MatmulKernels.STEP;
  private static final int GROUP = MatmulKernels.GROUP;

  private MatmulRows() {}

  /// Up to [#FEW] rows, as decoding has: a group takes [#COLUMNS] columns, a thread one column and
  /// one block of k, so that all of a device reads weights.
  static void kFewRows(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] piece = c.allocateFloatLocalArray(GROUP * PIECE_PITCH);
    float[] sums = c.allocateFloatLocalArray(GROUP * FEW);
    float[] ahead = new float[STEP];
    int[] words = new int[STEP];
    int l = c.localIdx;
    int m = Common.live(p, w, 0);
    int k = Common.live(p, w, Common.SECOND);
    int n = p.get(25);
    int first = c.groupIdx * COLUMNS;
    int block = l / COLUMNS;
    int type = p.get(33);
    boolean quantised = Packed.quantised(type);
    // what this thread brings of a step: of this column and k, and of each second block from there
    boolean alongB = p.get(31) == 1;
    int column = alongB ? (l >> 4) & 7 : l & 7;
    int mine = alongB ? l & 15 : (l >> 3) & 15;
    int piecesFrom = ((l >> 7) * COLUMNS + column) * PIECE_PITCH + mine;
    int b = p.get(30);
    int bK = p.get(31);
    int elements = (first + column) * p.get(32) + ((l >> 7) * BLOCK + mine) * bK;
    int limit = first + column < n ? k - (l >> 7) * BLOCK - mine : 0;
    int a = p.get(27);
    int aRow = p.get(28);
    int aK = p.get(29);
    float t = 0;
    for (int k0 = 0; k0 < k; k0 += BLOCKS * BLOCK) {
      float c0 = 0;
      float c1 = 0;
      float c2 = 0;
      float c3 = 0;
      for (int s = 0; s < BLOCK; s += STEP) {
        if (type == Packed.F32) {
          for (int r = 0; r < STEP; r++) {
            int at = k0 + s + r * 2 * BLOCK;
            int e = elements + at * bK;
            float value = 0;
            if (at < limit) {
              value = f.get(b + e);
            }
            ahead[r] = value;
          }
        }
        if (quantised) {
          for (int r = 0; r < STEP; r++) {
            int at = k0 + s + r * 2 * BLOCK;
            int e = elements + at * bK;
            int scale = 0;
            if (at < limit) {
              scale = h.get(b + Packed.scaleAt(type, e)) & 65535;
            }
            words[r] = scale;
          }
          for (int r = 0; r < STEP; r++) {
            ahead[r] = Packed.half(f, words[r]);
          }
        }
        if (type != Packed.F32) {
          for (int r = 0; r < STEP; r++) {
            int at = k0 + s + r * 2 * BLOCK;
            int e = elements + at * bK;
            int word = 0;
            if (at < limit) {
              word = h.get(b + Packed.at(type, e)) & 65535;
            }
            words[r] = word;
          }
        }
        if (type == Packed.BF16) {
          for (int r = 0; r < STEP; r++) {
            ahead[r] = Packed.bfloat(f, words[r]);
          }
        }
        if (type == Packed.F16) {
          for (int r = 0; r < STEP; r++) {
            ahead[r] = Packed.half(f, words[r]);
          }
        }
        if (quantised) {
          for (int r = 0; r < STEP; r++) {
            int at = k0 + s + r * 2 * BLOCK;
            int e = elements + at * bK;
            ahead[r] = ahead[r] * Packed.quant(type, e, words[r]);
          }
        }
        for (int r = 0; r < STEP; r++) {
          piece[piecesFrom + r * 2 * COLUMNS * PIECE_PITCH] = ahead[r];
        }
        c.localBarrier();
        int from = k0 + block * BLOCK + s;
        for (int kk = 0; kk < STEP; kk++) {
          float weight = piece[l * PIECE_PITCH + kk];
          int at = a + (from + kk) * aK;
          if (from + kk < k) {
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
            t += sums[row * GROUP + q * COLUMNS + j];
          }
        }
      }
      c.localBarrier();
    }
    if (l < COLUMNS * FEW) {
      int row = l / COLUMNS;
      MatmulKernels.store(p, f, m, row, first + l - row * COLUMNS, t);
    }
  }

  /// Up to some dozens of rows, as when texts are decoded together: a group has [#SOME] rows and
  /// [#WIDE] columns, a thread one column and one block of k of all the rows.
  static void kSomeRows(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] piece = c.allocateFloatLocalArray(GROUP * PIECE_PITCH);
    float[] rows = c.allocateFloatLocalArray(DEEP * STEP * ROWS_PITCH);
    float[] sums = c.allocateFloatLocalArray(GROUP * 4);
    float[] chains = new float[SOME];
    float[] totals = new float[4];
    float[] ahead = new float[STEP];
    float[] aheadA = new float[DEEP];
    int[] words = new int[STEP];
    int l = c.localIdx;
    int m = Common.live(p, w, 0);
    int k = Common.live(p, w, Common.SECOND);
    int n = p.get(25);
    int across = (n + WIDE - 1) / WIDE;
    int top = c.groupIdx / across * SOME;
    int first = (c.groupIdx - c.groupIdx / across * across) * WIDE;
    int type = p.get(33);
    boolean quantised = Packed.quantised(type);
    // what this thread brings of a step of b: of these columns and blocks one k
    boolean alongB = p.get(31) == 1;
    int columnB = alongB ? l >> 4 : l & 31;
    int kB = alongB ? l & 15 : l >> 5;
    int stepColumn = alongB ? 16 : 0;
    int stepK = alongB ? 0 : 8;
    int b = p.get(30);
    int bK = p.get(31);
    int bColumn = p.get(32);
    // and of a: of each block one row and k
    boolean alongA = p.get(29) == 1;
    int kA = alongA ? l & 15 : l >> 4;
    int rowA = alongA ? l >> 4 : l & 15;
    int a = p.get(27);
    int aRow = p.get(28);
    int aK = p.get(29);
    for (int i = 0; i < 4; i++) {
      totals[i] = 0;
    }
    if (top < m) {
      for (int k0 = 0; k0 < k; k0 += DEEP * BLOCK) {
        for (int i = 0; i < SOME; i++) {
          chains[i] = 0;
        }
        for (int s = 0; s < BLOCK; s += STEP) {
          if (type == Packed.F32) {
            for (int r = 0; r < STEP; r++) {
              int at = k0 + s + (r >> 1) * BLOCK + kB + stepK * (r & 1);
              int column = first + columnB + stepColumn * (r & 1);
              int e = at * bK + column * bColumn;
              float value = 0;
              if (column < n) {
                if (at < k) {
                  value = f.get(b + e);
                }
              }
              ahead[r] = value;
            }
          }
          if (quantised) {
            for (int r = 0; r < STEP; r++) {
              int at = k0 + s + (r >> 1) * BLOCK + kB + stepK * (r & 1);
              int column = first + columnB + stepColumn * (r & 1);
              int e = at * bK + column * bColumn;
              int scale = 0;
              if (column < n) {
                if (at < k) {
                  scale = h.get(b + Packed.scaleAt(type, e)) & 65535;
                }
              }
              words[r] = scale;
            }
            for (int r = 0; r < STEP; r++) {
              ahead[r] = Packed.half(f, words[r]);
            }
          }
          if (type != Packed.F32) {
            for (int r = 0; r < STEP; r++) {
              int at = k0 + s + (r >> 1) * BLOCK + kB + stepK * (r & 1);
              int column = first + columnB + stepColumn * (r & 1);
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
            for (int r = 0; r < STEP; r++) {
              ahead[r] = Packed.bfloat(f, words[r]);
            }
          }
          if (type == Packed.F16) {
            for (int r = 0; r < STEP; r++) {
              ahead[r] = Packed.half(f, words[r]);
            }
          }
          if (quantised) {
            for (int r = 0; r < STEP; r++) {
              int at = k0 + s + (r >> 1) * BLOCK + kB + stepK * (r & 1);
              int column = first + columnB + stepColumn * (r & 1);
              int e = at * bK + column * bColumn;
              ahead[r] = ahead[r] * Packed.quant(type, e, words[r]);
            }
          }
          for (int block = 0; block < DEEP; block++) {
            int at = k0 + s + block * BLOCK + kA;
            float value = 0;
            if (top + rowA < m) {
              if (at < k) {
                value = f.get(a + (top + rowA) * aRow + at * aK);
              }
            }
            aheadA[block] = value;
          }
          for (int r = 0; r < STEP; r++) {
            int at = (r >> 1) * WIDE + columnB + stepColumn * (r & 1);
            piece[at * PIECE_PITCH + kB + stepK * (r & 1)] = ahead[r];
          }
          for (int block = 0; block < DEEP; block++) {
            rows[(block * STEP + kA) * ROWS_PITCH + rowA] = aheadA[block];
          }
          c.localBarrier();
          for (int kk = 0; kk < STEP; kk++) {
            float weight = piece[l * PIECE_PITCH + kk];
            int from = (l / WIDE * STEP + kk) * ROWS_PITCH;
            for (int i = 0; i < SOME; i++) {
              chains[i] = chains[i] + rows[from + i] * weight;
            }
          }
          c.localBarrier();
        }
        for (int quarter = 0; quarter < 4; quarter++) {
          for (int i = 0; i < 4; i++) {
            sums[i * GROUP + l] = chains[quarter * 4 + i];
          }
          c.localBarrier();
          // half of the threads have one sum of this quarter each
          if (l < WIDE * 4) {
            int from = l / WIDE * GROUP + (l & 31);
            float t = totals[quarter];
            for (int q = 0; q < DEEP; q++) {
              if (k0 + q * BLOCK < k) {
                t = t + sums[from + q * WIDE];
              }
            }
            totals[quarter] = t;
          }
          c.localBarrier();
        }
      }
      if (l < WIDE * 4) {
        for (int quarter = 0; quarter < 4; quarter++) {
          MatmulKernels.store(
              p, f, m, top + quarter * 4 + l / WIDE, first + (l & 31), totals[quarter]);
        }
      }
    }
  }
}
