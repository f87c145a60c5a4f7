package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Attention of many rows. A group of [#GROUP] threads has a tile: up to [#TILE] rows of one
/// sequence, of one head. The rows on the other side of the products pass by in blocks of [#BLOCK]
/// from the start of the sequence, and come to local memory once for the tile. A thread has 4 by 4
/// elements of what is computed: rows from `l / 16 · 4` on, columns `l mod 16` and each 16th after.
///
/// The kernels are long because local memory can be used in their own method alone.
final class AttentionTiles {
  static final int TILE = 32;
  static final int BLOCK = 64;
  static final int GROUP = 128;

  /// From row to row of what has BLOCK columns in local memory, and TILE columns.
  static final int PITCH = BLOCK + 1;

  static final int NARROW = TILE + 1;

  /// Terms of a sum that come to local memory at once: of the tile's rows, then of the block's.
  static final int STEP = 32;

  static final int RIGHT = STEP * NARROW;

  private AttentionTiles() {}

  /// How many tiles a head has at most: one for each number that [#sequence] is asked for.
  static long most(long rows, long sequences) {
    return rows / TILE + sequences + 1;
  }

  /// The sequence of a tile. Those of sequence s have the numbers from `starts[s] / TILE + s` on:
  /// as many as it needs or more, and found without adding up lengths. Behind the last sequence
  /// there are tiles of rows of none.
  static int sequence(IntArray p, IntArray w, int tile) {
    int starts = p.get(29);
    int low = 0;
    int high = p.get(30) + 1;
    while (high - low > 1) {
      int middle = (low + high) / 2;
      if (w.get(starts + middle) / TILE + middle <= tile) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /// Where sequence `s` ends among the rows that count.
  static int end(IntArray p, IntArray w, int s) {
    int end = Common.live(p, w, 0);
    if (s < p.get(30)) {
      end = Math.min(end, w.get(p.get(29) + s + 1));
    }
    return end;
  }

  /// How many rows a tile has that begins at row `t0`.
  static int rows(int first, int t0, int end) {
    int rows = 0;
    if (t0 >= first) {
      if (t0 < end) {
        rows = Math.min(end - t0, TILE);
      }
    }
    return rows;
  }

  /// How many keys row `t` sees of its sequence, which begins at row `first`.
  static int visible(IntArray p, IntArray w, int first, int t) {
    return p.get(40) == 1 ? w.get(p.get(44) + t) + 1 : t - first + 1;
  }

  /// Parameters and bits are those of [AttentionKernels#kAttention].
  static void kAttentionTiles(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] staged = c.allocateFloatLocalArray(BLOCK * PITCH);
    float[] scores = c.allocateFloatLocalArray(TILE * PITCH);
    float[] peaks = c.allocateFloatLocalArray(GROUP);
    float[] sums = c.allocateFloatLocalArray(GROUP);
    float[] shrinks = c.allocateFloatLocalArray(TILE);
    float[] totals = c.allocateFloatLocalArray(TILE);
    int[] key = c.allocateIntLocalArray(BLOCK);
    int[] seen = c.allocateIntLocalArray(TILE);
    int l = c.localIdx;
    // GROUP, but not known to the compiler, which would unroll loops
    int threads = c.localGroupSizeX;
    int heads = p.get(24);
    int dim = p.get(26);
    int type = p.get(45);
    int number = c.groupIdx / heads;
    int head = c.groupIdx - number * heads;
    int kv = head * p.get(25) / heads * dim;
    int s = sequence(p, w, number);
    int first = w.get(p.get(29) + s);
    int t0 = first + TILE * (number - first / TILE - s);
    int end = end(p, w, s);
    // behind the last sequence there may be rows of none
    int rows = s == p.get(30) ? 0 : rows(first, t0, end);
    int q = p.get(32) + t0 * p.get(31) + head * dim;
    int out = p.get(38) + t0 * p.get(37) + head * dim;
    if (l < TILE) {
      int keys = 0;
      if (l < rows) {
        keys = visible(p, w, first, t0 + l);
      }
      seen[l] = keys;
    }
    c.localBarrier();
    int most = 0;
    for (int i = 0; i < rows; i++) {
      most = Math.max(most, seen[i]);
    }
    int y = l / 16 * 4;
    int x = l - l / 16 * 16;
    int seen0 = seen[y];
    int seen1 = seen[y + 1];
    int seen2 = seen[y + 2];
    int seen3 = seen[y + 3];
    // four threads have a row of scores, 16 columns each
    int row = l / 4;
    int from = (l - row * 4) * 16;
    int mine = seen[row];
    float scale = Common.number(p, f, 27);
    float lowest = -f.get(Common.INFINITY);
    float largest = lowest;
    float total = 0;
    for (int base = 0; base < most; base += BLOCK) {
      int columns = most - base < BLOCK ? most - base : BLOCK;
      if (l < BLOCK) {
        int at = 0;
        if (l < columns) {
          at = AttentionKernels.key(p, w, s, first, base + l);
        }
        key[l] = at;
      }
      c.localBarrier();
      float c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
      float c20 = 0, c21 = 0, c22 = 0, c23 = 0, c30 = 0, c31 = 0, c32 = 0, c33 = 0;
      for (int d0 = 0; d0 < dim; d0 += STEP) {
        for (int e = l; e < STEP * TILE; e += threads) {
          int d = e & 31;
          int i = e >> 5;
          float value = 0;
          if (d0 + d < dim) {
            if (i < rows) {
              value = f.get(q + i * p.get(31) + d0 + d);
            }
          }
          staged[d * NARROW + i] = value;
        }
        for (int e = l; e < STEP * BLOCK; e += threads) {
          int d = e & 31;
          int j = e >> 5;
          float value = 0;
          if (d0 + d < dim) {
            if (j < columns) {
              value = Packed.plain(h, f, type, p.get(34) + kv + key[j] * p.get(33) + d0 + d);
            }
          }
          staged[RIGHT + d * PITCH + j] = value;
        }
        c.localBarrier();
        int terms = dim - d0 < STEP ? dim - d0 : STEP;
        int last = y < rows ? terms : 0;
        for (int d = 0; d < last; d++) {
          int left = d * NARROW + y;
          int right = RIGHT + d * PITCH + x;
          float a0 = staged[left];
          float a1 = staged[left + 1];
          float a2 = staged[left + 2];
          float a3 = staged[left + 3];
          float b0 = staged[right];
          float b1 = staged[right + 16];
          float b2 = staged[right + 32];
          float b3 = staged[right + 48];
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
      }
      int at = y * PITCH + x;
      scores[at] = scale * c00;
      scores[at + 16] = scale * c01;
      scores[at + 32] = scale * c02;
      scores[at + 48] = scale * c03;
      scores[at + PITCH] = scale * c10;
      scores[at + PITCH + 16] = scale * c11;
      scores[at + PITCH + 32] = scale * c12;
      scores[at + PITCH + 48] = scale * c13;
      scores[at + 2 * PITCH] = scale * c20;
      scores[at + 2 * PITCH + 16] = scale * c21;
      scores[at + 2 * PITCH + 32] = scale * c22;
      scores[at + 2 * PITCH + 48] = scale * c23;
      scores[at + 3 * PITCH] = scale * c30;
      scores[at + 3 * PITCH + 16] = scale * c31;
      scores[at + 3 * PITCH + 32] = scale * c32;
      scores[at + 3 * PITCH + 48] = scale * c33;
      c.localBarrier();
      float peak = lowest;
      for (int j = from; j < from + 16; j++) {
        if (base + j < mine) {
          if (scores[row * PITCH + j] > peak) {
            peak = scores[row * PITCH + j];
          }
        }
      }
      peaks[l] = peak;
      c.localBarrier();
      float now = largest;
      for (int k = row * 4; k < row * 4 + 4; k++) {
        if (peaks[k] > now) {
          now = peaks[k];
        }
      }
      float sum = 0;
      for (int j = from; j < from + 16; j++) {
        if (base + j < mine) {
          float weight = TornadoMath.exp(scores[row * PITCH + j] - now);
          scores[row * PITCH + j] = weight;
          sum = sum + weight;
        }
      }
      sums[l] = sum;
      float shrink = TornadoMath.exp(largest - now);
      if (base == 0) {
        shrink = 0;
      }
      if (base >= mine) {
        shrink = 1;
      }
      shrinks[row] = shrink;
      c.localBarrier();
      int k = row * 4;
      total = total * shrink + (sums[k] + sums[k + 1] + sums[k + 2] + sums[k + 3]);
      largest = now;
      totals[row] = total;
      for (int d0 = 0; d0 < dim; d0 += BLOCK) {
        for (int e = l; e < BLOCK * BLOCK; e += threads) {
          int d = e & 63;
          int j = e >> 6;
          float value = 0;
          if (d0 + d < dim) {
            if (j < columns) {
              value = Packed.plain(h, f, type, p.get(36) + kv + key[j] * p.get(35) + d0 + d);
            }
          }
          staged[j * PITCH + d] = value;
        }
        c.localBarrier();
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
        int last = y < rows ? columns : 0;
        for (int j = 0; j < last; j++) {
          int left = y * PITCH + j;
          int right = j * PITCH + x;
          float b0 = staged[right];
          float b1 = staged[right + 16];
          float b2 = staged[right + 32];
          float b3 = staged[right + 48];
          // what a row does not see must not reach it, be it NaN
          if (base + j < seen0) {
            float a0 = scores[left];
            c00 = c00 + a0 * b0;
            c01 = c01 + a0 * b1;
            c02 = c02 + a0 * b2;
            c03 = c03 + a0 * b3;
          }
          if (base + j < seen1) {
            float a1 = scores[left + PITCH];
            c10 = c10 + a1 * b0;
            c11 = c11 + a1 * b1;
            c12 = c12 + a1 * b2;
            c13 = c13 + a1 * b3;
          }
          if (base + j < seen2) {
            float a2 = scores[left + 2 * PITCH];
            c20 = c20 + a2 * b0;
            c21 = c21 + a2 * b1;
            c22 = c22 + a2 * b2;
            c23 = c23 + a2 * b3;
          }
          if (base + j < seen3) {
            float a3 = scores[left + 3 * PITCH];
            c30 = c30 + a3 * b0;
            c31 = c31 + a3 * b1;
            c32 = c32 + a3 * b2;
            c33 = c33 + a3 * b3;
          }
        }
        c.localBarrier();
        staged[at] = c00;
        staged[at + 16] = c01;
        staged[at + 32] = c02;
        staged[at + 48] = c03;
        staged[at + PITCH] = c10;
        staged[at + PITCH + 16] = c11;
        staged[at + PITCH + 32] = c12;
        staged[at + PITCH + 48] = c13;
        staged[at + 2 * PITCH] = c20;
        staged[at + 2 * PITCH + 16] = c21;
        staged[at + 2 * PITCH + 32] = c22;
        staged[at + 2 * PITCH + 48] = c23;
        staged[at + 3 * PITCH] = c30;
        staged[at + 3 * PITCH + 16] = c31;
        staged[at + 3 * PITCH + 32] = c32;
        staged[at + 3 * PITCH + 48] = c33;
        c.localBarrier();
        for (int e = l; e < TILE * BLOCK; e += threads) {
          int d = e & 63;
          int i = e >> 6;
          if (d0 + d < dim) {
            if (i < rows) {
              int place = out + i * p.get(37) + d0 + d;
              float value = staged[i * PITCH + d];
              if (base > 0) {
                value = shrinks[i] * f.get(place) + value;
              }
              if (base + BLOCK >= most) {
                value = value / totals[i];
              }
              f.set(place, value);
            }
          }
        }
        c.localBarrier();
      }
    }
    if (row < rows) {
      if (from == 0) {
        if (p.get(39) >= 0) {
          f.set(p.get(39) + (t0 + row) * heads + head, largest + TornadoMath.log(total));
        }
      }
    }
  }
}
