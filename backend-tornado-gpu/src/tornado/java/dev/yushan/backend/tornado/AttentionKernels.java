package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Attention of a row or so of each sequence, as decoding has: a group of [#GROUP] threads for each
/// row and head. Of more rows, [AttentionTiles] reads keys and values less often. Both visit keys
/// in blocks of GROUP from the start of their sequence, paged or not, and compute the same
/// expression, so that the bits are the same.
///
/// Parameters of both: 24 heads, 25 kvHeads, 26 headDim, 27 scale, 29 sequences, 30 how many there
/// are; then pairs of ld and tensor, as listed with each kernel.
final class AttentionKernels {
  static final int GROUP = 64;

  /// The longest head.
  static final int MOST = 256;

  /// Elements that a thread asks for at once.
  private static final int AHEAD = 16;

  private AttentionKernels() {}

  /// The sequence that row `t` belongs to, −1 if to none.
  private static int sequence(IntArray p, IntArray w, int t) {
    int starts = p.get(29);
    int low = 0;
    int high = p.get(30);
    int found = -1;
    if (t >= w.get(starts)) {
      if (t < w.get(starts + high)) {
        while (high - low > 1) {
          int middle = (low + high) / 2;
          if (w.get(starts + middle) <= t) {
            low = middle;
          } else {
            high = middle;
          }
        }
        found = low;
      }
    }
    return found;
  }

  /// The row of the key at position `i` of a sequence that begins at row `first`.
  static int key(IntArray p, IntArray w, int sequence, int first, int i) {
    int row = first + i;
    if (p.get(40) == 1) {
      int page = i / p.get(43);
      row = w.get(p.get(41) + sequence * p.get(42) + page) * p.get(43) + i - page * p.get(43);
    }
    return row;
  }

  /// 31 q, 33 k, 35 v, 37 out; 39 logSumExp or −1; 40 whether paged: 41 page table, 42 pages of a
  /// sequence, 43 positions in a page, 44 positions, 45 type of the pages
  static void kAttention(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] query = c.allocateFloatLocalArray(MOST);
    float[] sum = c.allocateFloatLocalArray(MOST);
    float[] score = c.allocateFloatLocalArray(GROUP);
    float[] raw = c.allocateFloatLocalArray(GROUP);
    int[] rows = c.allocateIntLocalArray(GROUP);
    float[] ahead = new float[AHEAD];
    int[] words = new int[AHEAD];
    int l = c.localIdx;
    // GROUP, but not known to the compiler, which would unroll loops that long
    int threads = c.localGroupSizeX;
    int heads = p.get(24);
    int dim = p.get(26);
    int t = c.groupIdx / heads;
    int head = c.groupIdx - t * heads;
    int s = -1;
    if (t < Common.live(p, w, 0)) {
      s = sequence(p, w, t);
    }
    if (s >= 0) {
      boolean paged = p.get(40) == 1;
      int type = p.get(45);
      int first = w.get(p.get(29) + s);
      int visible = t - first + 1;
      if (paged) {
        visible = w.get(p.get(44) + t) + 1;
      }
      int kv = head * p.get(25) / heads * dim;
      for (int d = l; d < dim; d += GROUP) {
        query[d] = f.get(p.get(32) + t * p.get(31) + head * dim + d);
        sum[d] = 0;
      }
      float scale = Common.number(p, f, 27);
      float lowest = -f.get(Common.INFINITY);
      float largest = lowest;
      float total = 0;
      for (int base = 0; base < visible; base += GROUP) {
        c.localBarrier();
        int i = base + l;
        float value = lowest;
        int row = 0;
        if (i < visible) {
          row = key(p, w, s, first, i);
          int at = p.get(34) + row * p.get(33) + kv;
          float dot = 0;
          for (int d0 = 0; d0 < dim; d0 += AHEAD) {
            if (type == Packed.F32) {
              for (int r = 0; r < AHEAD; r++) {
                float x = 0;
                if (d0 + r < dim) {
                  x = f.get(at + d0 + r);
                }
                ahead[r] = x;
              }
            }
            if (type != Packed.F32) {
              for (int r = 0; r < AHEAD; r++) {
                int word = 0;
                if (d0 + r < dim) {
                  word = h.get(at + d0 + r) & 65535;
                }
                words[r] = word;
              }
              for (int r = 0; r < AHEAD; r++) {
                ahead[r] = Packed.either(f, type, words[r]);
              }
            }
            for (int r = 0; r < AHEAD; r++) {
              if (d0 + r < dim) {
                dot = dot + query[d0 + r] * ahead[r];
              }
            }
          }
          value = scale * dot;
        }
        rows[l] = row;
        // every thread goes through the block itself: cheaper than a tree of barriers, and in order
        raw[l] = value;
        c.localBarrier();
        float now = largest;
        for (int j = 0; j < threads; j++) {
          if (raw[j] > now) {
            now = raw[j];
          }
        }
        float weight = 0;
        if (i < visible) {
          weight = TornadoMath.exp(raw[l] - now);
        }
        score[l] = weight;
        c.localBarrier();
        // four chains, as a tile has four threads for a row
        float sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        for (int j = 0; j < threads / 4; j++) {
          sum0 = sum0 + score[j];
          sum1 = sum1 + score[j + 16];
          sum2 = sum2 + score[j + 32];
          sum3 = sum3 + score[j + 48];
        }
        float shrink = TornadoMath.exp(largest - now);
        if (base == 0) {
          shrink = 0;
        }
        total = total * shrink + (sum0 + sum1 + sum2 + sum3);
        largest = now;
        int last = visible - base < GROUP ? visible - base : GROUP;
        for (int d = l; d < dim; d += GROUP) {
          float mean = 0;
          int at = p.get(36) + kv + d;
          for (int j0 = 0; j0 < last; j0 += AHEAD) {
            if (type == Packed.F32) {
              for (int r = 0; r < AHEAD; r++) {
                float x = 0;
                if (j0 + r < last) {
                  x = f.get(at + rows[j0 + r] * p.get(35));
                }
                ahead[r] = x;
              }
            }
            if (type != Packed.F32) {
              for (int r = 0; r < AHEAD; r++) {
                int word = 0;
                if (j0 + r < last) {
                  word = h.get(at + rows[j0 + r] * p.get(35)) & 65535;
                }
                words[r] = word;
              }
              for (int r = 0; r < AHEAD; r++) {
                ahead[r] = Packed.either(f, type, words[r]);
              }
            }
            for (int r = 0; r < AHEAD; r++) {
              if (j0 + r < last) {
                mean = mean + score[j0 + r] * ahead[r];
              }
            }
          }
          sum[d] = shrink * sum[d] + mean;
        }
      }
      for (int d = l; d < dim; d += GROUP) {
        f.set(p.get(38) + t * p.get(37) + head * dim + d, sum[d] / total);
      }
      if (l == 0) {
        if (p.get(39) >= 0) {
          f.set(p.get(39) + t * heads + head, largest + TornadoMath.log(total));
        }
      }
    }
  }
}
