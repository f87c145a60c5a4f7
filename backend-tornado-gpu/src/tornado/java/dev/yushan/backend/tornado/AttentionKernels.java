package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Attention, a group of [#GROUP] threads for each row and head. Keys are visited in blocks of
/// GROUP from the start of their sequence, paged or not, so that the bits are the same.
///
/// Parameters: 24 heads, 25 kvHeads, 26 headDim, 27 scale, 29 sequences, 30 how many there are;
/// then pairs of ld and tensor, as listed with each kernel.
final class AttentionKernels {
  static final int GROUP = 64;

  /// The longest head.
  static final int MOST = 256;

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
  private static int key(IntArray p, IntArray w, int sequence, int first, int i) {
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
        if (i < visible) {
          int at = key(p, w, s, first, i) * p.get(33) + kv;
          float dot = 0;
          for (int d = 0; d < dim; d++) {
            dot = dot + query[d] * Packed.plain(h, f, type, p.get(34) + at + d);
          }
          value = scale * dot;
        }
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
          weight = TornadoMath.exp(value - now);
        }
        score[l] = weight;
        c.localBarrier();
        float blockSum = 0;
        for (int j = 0; j < threads; j++) {
          blockSum = blockSum + score[j];
        }
        float shrink = TornadoMath.exp(largest - now);
        if (base == 0) {
          shrink = 0;
        }
        total = total * shrink + blockSum;
        largest = now;
        int last = visible - base < GROUP ? visible - base : GROUP;
        for (int d = l; d < dim; d += GROUP) {
          float mean = sum[d] * shrink;
          for (int j = 0; j < last; j++) {
            int at = key(p, w, s, first, base + j) * p.get(35) + kv + d;
            mean = mean + score[j] * Packed.plain(h, f, type, p.get(36) + at);
          }
          sum[d] = mean;
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

  /// 31 q, 33 k, 35 v, 37 out, 39 dOut; 41 logSumExp; 42 dQ. A group for each row and head.
  static void kAttentionQueries(
      KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] query = c.allocateFloatLocalArray(MOST);
    float[] dOut = c.allocateFloatLocalArray(MOST);
    float[] sum = c.allocateFloatLocalArray(MOST);
    float[] slope = c.allocateFloatLocalArray(GROUP);
    int l = c.localIdx;
    int heads = p.get(24);
    int dim = p.get(26);
    int t = c.groupIdx / heads;
    int head = c.groupIdx - t * heads;
    if (t < Common.live(p, w, 0)) {
      int s = sequence(p, w, t);
      for (int d = l; d < dim; d += GROUP) {
        query[d] = f.get(p.get(32) + t * p.get(31) + head * dim + d);
        dOut[d] = f.get(p.get(40) + t * p.get(39) + head * dim + d);
        sum[d] = 0;
      }
      c.localBarrier();
      float scale = Common.number(p, f, 27);
      float lse = f.get(p.get(41) + t * heads + head);
      float share = 0;
      for (int d = 0; d < dim; d++) {
        share = share + dOut[d] * f.get(p.get(38) + t * p.get(37) + head * dim + d);
      }
      int first = t + 1;
      if (s >= 0) {
        first = w.get(p.get(29) + s);
      }
      int kv = head * p.get(25) / heads * dim;
      for (int base = first; base <= t; base += GROUP) {
        int i = base + l;
        float dS = 0;
        if (i <= t) {
          int key = p.get(34) + i * p.get(33) + kv;
          int value = p.get(36) + i * p.get(35) + kv;
          float dot = 0;
          float dP = 0;
          for (int d = 0; d < dim; d++) {
            dot = dot + query[d] * f.get(key + d);
            dP = dP + dOut[d] * f.get(value + d);
          }
          dS = TornadoMath.exp(scale * dot - lse) * (dP - share) * scale;
        }
        slope[l] = dS;
        c.localBarrier();
        int last = t - base + 1 < GROUP ? t - base + 1 : GROUP;
        for (int d = l; d < dim; d += GROUP) {
          float value = sum[d];
          for (int j = 0; j < last; j++) {
            value = value + slope[j] * f.get(p.get(34) + (base + j) * p.get(33) + kv + d);
          }
          sum[d] = value;
        }
        c.localBarrier();
      }
      for (int d = l; d < dim; d += GROUP) {
        f.set(p.get(43) + t * p.get(42) + head * dim + d, sum[d]);
      }
    }
  }

  /// As [#kAttentionQueries] up to 41; 42 dK, 44 dV. A group for each row and key head.
  static void kAttentionKeys(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] key = c.allocateFloatLocalArray(MOST);
    float[] value = c.allocateFloatLocalArray(MOST);
    float[] sumK = c.allocateFloatLocalArray(MOST);
    float[] sumV = c.allocateFloatLocalArray(MOST);
    float[] slope = c.allocateFloatLocalArray(GROUP);
    float[] weight = c.allocateFloatLocalArray(GROUP);
    int l = c.localIdx;
    int heads = p.get(24);
    int kvHeads = p.get(25);
    int dim = p.get(26);
    int i = c.groupIdx / kvHeads;
    int kvHead = c.groupIdx - i * kvHeads;
    int live = Common.live(p, w, 0);
    if (i < live) {
      int s = sequence(p, w, i);
      for (int d = l; d < dim; d += GROUP) {
        key[d] = f.get(p.get(34) + i * p.get(33) + kvHead * dim + d);
        value[d] = f.get(p.get(36) + i * p.get(35) + kvHead * dim + d);
        sumK[d] = 0;
        sumV[d] = 0;
      }
      c.localBarrier();
      float scale = Common.number(p, f, 27);
      int end = i;
      if (s >= 0) {
        end = w.get(p.get(29) + s + 1);
      }
      end = end < live ? end : live;
      int group = heads / kvHeads;
      for (int head = kvHead * group; head < kvHead * group + group; head++) {
        for (int base = i; base < end; base += GROUP) {
          int t = base + l;
          float q = 0;
          float dS = 0;
          if (t < end) {
            int query = p.get(32) + t * p.get(31) + head * dim;
            int dOut = p.get(40) + t * p.get(39) + head * dim;
            int out = p.get(38) + t * p.get(37) + head * dim;
            float dot = 0;
            float dP = 0;
            float share = 0;
            for (int d = 0; d < dim; d++) {
              float g = f.get(dOut + d);
              dot = dot + f.get(query + d) * key[d];
              dP = dP + g * value[d];
              share = share + g * f.get(out + d);
            }
            q = TornadoMath.exp(scale * dot - f.get(p.get(41) + t * heads + head));
            dS = q * (dP - share) * scale;
          }
          weight[l] = q;
          slope[l] = dS;
          c.localBarrier();
          int last = end - base < GROUP ? end - base : GROUP;
          for (int d = l; d < dim; d += GROUP) {
            float dK = sumK[d];
            float dV = sumV[d];
            for (int j = 0; j < last; j++) {
              dK = dK + slope[j] * f.get(p.get(32) + (base + j) * p.get(31) + head * dim + d);
              dV = dV + weight[j] * f.get(p.get(40) + (base + j) * p.get(39) + head * dim + d);
            }
            sumK[d] = dK;
            sumV[d] = dV;
          }
          c.localBarrier();
        }
      }
      for (int d = l; d < dim; d += GROUP) {
        f.set(p.get(43) + i * p.get(42) + kvHead * dim + d, sumK[d]);
        f.set(p.get(45) + i * p.get(44) + kvHead * dim + d, sumV[d]);
      }
    }
  }
}
