package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Attention of many rows. A group of [#GROUP] threads has a tile: up to [#TILE] rows of one
/// sequence, of one head. The rows on the other side of the products pass by in blocks of [#BLOCK]
/// from the start of the sequence, and come to local memory once for the tile. A thread has 4 by 4
/// elements of what is computed: rows from `l / 16 · 4` on, columns from `l mod 16 · 4` on.
///
/// The kernels are long because local memory can be used in their own method alone. What comes to
/// it goes through arrays of the thread first: a device does not read ahead of a write to local
/// memory.
final class AttentionTiles {
  static final int TILE = 32;
  static final int BLOCK = 64;
  static final int GROUP = 128;

  /// From row to row of what has BLOCK columns in local memory, and TILE columns: multiples of
  /// four, so that four elements come at once.
  static final int PITCH = BLOCK + 4;

  static final int NARROW = TILE + 4;

  /// Terms of a sum that come to local memory at once: of the tile's rows, then of the block's.
  static final int STEP = 32;

  static final int RIGHT = STEP * NARROW;

  /// Rows that all threads of a group bring at once, of STEP columns and of BLOCK columns.
  static final int ROWS = GROUP / STEP;

  static final int WIDE_ROWS = GROUP / BLOCK;

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
    float[] chains = new float[16];
    float[] a = new float[4];
    float[] b = new float[4];
    float[] ahead = new float[16];
    int[] words = new int[16];
    int l = c.localIdx;
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
    int x = (l & 15) * 4;
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
      for (int i = 0; i < 16; i++) {
        chains[i] = 0;
      }
      for (int d0 = 0; d0 < dim; d0 += STEP) {
        int d = l & 31;
        int limit = d0 + d < dim ? rows : 0;
        for (int r = 0; r < TILE / ROWS; r++) {
          int i = l / STEP + ROWS * r;
          float value = 0;
          if (i < limit) {
            value = f.get(q + i * p.get(31) + d0 + d);
          }
          ahead[r] = value;
        }
        for (int r = 0; r < TILE / ROWS; r++) {
          staged[d * NARROW + l / STEP + ROWS * r] = ahead[r];
        }
        limit = d0 + d < dim ? columns : 0;
        int keys = p.get(34) + kv + d0 + d;
        if (type == Packed.F32) {
          for (int r = 0; r < BLOCK / ROWS; r++) {
            int j = l / STEP + ROWS * r;
            float value = 0;
            if (j < limit) {
              value = f.get(keys + key[j] * p.get(33));
            }
            ahead[r] = value;
          }
        }
        if (type != Packed.F32) {
          for (int r = 0; r < BLOCK / ROWS; r++) {
            int j = l / STEP + ROWS * r;
            int word = 0;
            if (j < limit) {
              word = h.get(keys + key[j] * p.get(33)) & 65535;
            }
            words[r] = word;
          }
          for (int r = 0; r < BLOCK / ROWS; r++) {
            ahead[r] = Packed.either(f, type, words[r]);
          }
        }
        for (int r = 0; r < BLOCK / ROWS; r++) {
          staged[RIGHT + d * PITCH + l / STEP + ROWS * r] = ahead[r];
        }
        c.localBarrier();
        int terms = dim - d0 < STEP ? dim - d0 : STEP;
        int last = y < rows ? terms : 0;
        for (int k = 0; k < last; k++) {
          for (int i = 0; i < 4; i++) {
            a[i] = staged[k * NARROW + y + i];
            b[i] = staged[RIGHT + k * PITCH + x + i];
          }
          for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
              chains[4 * i + j] = chains[4 * i + j] + a[i] * b[j];
            }
          }
        }
        c.localBarrier();
      }
      for (int i = 0; i < 4; i++) {
        for (int j = 0; j < 4; j++) {
          scores[(y + i) * PITCH + x + j] = scale * chains[4 * i + j];
        }
      }
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
      int four = row * 4;
      total = total * shrink + (sums[four] + sums[four + 1] + sums[four + 2] + sums[four + 3]);
      largest = now;
      totals[row] = total;
      for (int d0 = 0; d0 < dim; d0 += BLOCK) {
        int d = l & 63;
        int limit = d0 + d < dim ? columns : 0;
        int values = p.get(36) + kv + d0 + d;
        for (int half = 0; half < 2; half++) {
          int j0 = half * BLOCK / 2 + l / BLOCK;
          if (type == Packed.F32) {
            for (int r = 0; r < 16; r++) {
              int j = j0 + WIDE_ROWS * r;
              float value = 0;
              if (j < limit) {
                value = f.get(values + key[j] * p.get(35));
              }
              ahead[r] = value;
            }
          }
          if (type != Packed.F32) {
            for (int r = 0; r < 16; r++) {
              int j = j0 + WIDE_ROWS * r;
              int word = 0;
              if (j < limit) {
                word = h.get(values + key[j] * p.get(35)) & 65535;
              }
              words[r] = word;
            }
            for (int r = 0; r < 16; r++) {
              ahead[r] = Packed.either(f, type, words[r]);
            }
          }
          for (int r = 0; r < 16; r++) {
            staged[(j0 + WIDE_ROWS * r) * PITCH + d] = ahead[r];
          }
        }
        c.localBarrier();
        for (int i = 0; i < 16; i++) {
          chains[i] = 0;
        }
        int last = y < rows ? columns : 0;
        for (int j = 0; j < last; j++) {
          for (int i = 0; i < 4; i++) {
            b[i] = staged[j * PITCH + x + i];
          }
          for (int i = 0; i < 4; i++) {
            // what a row does not see must not reach it, be it NaN
            if (base + j < seen[y + i]) {
              float weight = scores[(y + i) * PITCH + j];
              for (int k = 0; k < 4; k++) {
                chains[4 * i + k] = chains[4 * i + k] + weight * b[k];
              }
            }
          }
        }
        for (int i = 0; i < 4; i++) {
          for (int j = 0; j < 4; j++) {
            if (d0 + x + j < dim) {
              if (y + i < rows) {
                int place = out + (y + i) * p.get(37) + d0 + x + j;
                float value = chains[4 * i + j];
                if (base > 0) {
                  value = shrinks[y + i] * f.get(place) + value;
                }
                if (base + BLOCK >= most) {
                  value = value / totals[y + i];
                }
                f.set(place, value);
              }
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
