package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// The backward of attention by tiles, as [AttentionTiles] has the forward: with probabilities `p =
/// exp(scale · q·k − logSumExp)` and `dS = scale · p · (dOut·v − dOut·out)`, a tile of queries adds
/// up `dQ = Σ dS k` over blocks of keys, and a tile of keys `dK = Σ dS q` and `dV = Σ p dOut` over
/// blocks of queries. It is the same work with sides exchanged, so one kernel does both.
final class AttentionGradients {
  private static final int TILE = AttentionTiles.TILE;
  private static final int BLOCK = AttentionTiles.BLOCK;
  private static final int GROUP = AttentionTiles.GROUP;
  private static final int PITCH = AttentionTiles.PITCH;
  private static final int NARROW = AttentionTiles.NARROW;
  private static final int STEP = AttentionTiles.STEP;
  private static final int RIGHT = AttentionTiles.RIGHT;

  /// From the first of two tiles of scores to the second.
  private static final int SECOND = TILE * PITCH;

  /// Local memory that a group takes, more than any other kernel's.
  static final int LOCAL_BYTES = 4 * (BLOCK * PITCH + 2 * SECOND + GROUP + 2 * BLOCK);

  /// Above any position.
  private static final int FAR = 1 << 30;

  private AttentionGradients() {}

  /// Parameters up to 30 as of [AttentionKernels]; 31 out, 33 logSumExp, 34 whether the tile has
  /// keys. Of the tile 35 q, 37 dOut, of the block 39 k, 41 v, and 43 dQ; or of the tile k and v,
  /// of the block q and dOut, and 43 dK, 45 dV.
  static void kAttentionGradients(
      KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] staged = c.allocateFloatLocalArray(BLOCK * PITCH);
    float[] scores = c.allocateFloatLocalArray(2 * SECOND);
    float[] parts = c.allocateFloatLocalArray(GROUP);
    float[] shares = c.allocateFloatLocalArray(BLOCK);
    float[] lse = c.allocateFloatLocalArray(BLOCK);
    int l = c.localIdx;
    // GROUP, but not known to the compiler, which would unroll loops
    int threads = c.localGroupSizeX;
    int heads = p.get(24);
    int kvHeads = p.get(25);
    int dim = p.get(26);
    boolean ofKeys = p.get(34) == 1;
    int tileHeads = ofKeys ? kvHeads : heads;
    int number = c.groupIdx / tileHeads;
    int head = c.groupIdx - number * tileHeads;
    int s = AttentionTiles.sequence(p, w, number);
    int first = w.get(p.get(29) + s);
    int t0 = first + TILE * (number - first / TILE - s);
    int end = AttentionTiles.end(p, w, s);
    int rows = AttentionTiles.rows(first, t0, end);
    int position = t0 - first;
    // heads of the other side
    int from = ofKeys ? head * (heads / kvHeads) : head * kvHeads / heads;
    int to = ofKeys ? from + heads / kvHeads : from + 1;
    int begin = ofKeys ? position / BLOCK * BLOCK : 0;
    int length = ofKeys ? end - first : position + rows;
    if (rows == 0 || s == p.get(30)) {
      length = 0;
    }
    int results = ofKeys ? 2 : 1;
    // rows of no sequence
    for (int e = l; e < rows * dim; e += threads) {
      int i = e / dim;
      int d = e - i * dim;
      if (length == 0) {
        for (int r = 0; r < results; r++) {
          f.set(p.get(44 + 2 * r) + (t0 + i) * p.get(43 + 2 * r) + head * dim + d, 0);
        }
      }
    }
    float scale = Common.number(p, f, 27);
    // a query sees a key where place < edge; both run backwards if the tile has keys
    int origin = ofKeys ? FAR : 0;
    int sign = ofKeys ? -1 : 1;
    int y = l / 16 * 4;
    int x = l - l / 16 * 16;
    int edge = origin + sign * (position + y) + 1;
    for (int other = from; other < to; other++) {
      for (int base = begin; base < length; base += BLOCK) {
        int columns = length - base < BLOCK ? length - base : BLOCK;
        int queries = ofKeys ? columns : rows;
        int t1 = ofKeys ? first + base : t0;
        int queryHead = ofKeys ? other : head;
        float share = 0;
        if (l / 2 < queries) {
          int t = t1 + l / 2;
          int dOut = ofKeys ? p.get(42) + t * p.get(41) : p.get(38) + t * p.get(37);
          int out = p.get(32) + t * p.get(31);
          for (int d = queryHead * dim + l - l / 2 * 2; d < queryHead * dim + dim; d += 2) {
            share = share + f.get(dOut + d) * f.get(out + d);
          }
        }
        parts[l] = share;
        c.localBarrier();
        if (l < queries) {
          shares[l] = parts[2 * l] + parts[2 * l + 1];
          lse[l] = f.get(p.get(33) + (t1 + l) * heads + queryHead);
        }
        float c00 = 0, c01 = 0, c02 = 0, c03 = 0, c10 = 0, c11 = 0, c12 = 0, c13 = 0;
        float c20 = 0, c21 = 0, c22 = 0, c23 = 0, c30 = 0, c31 = 0, c32 = 0, c33 = 0;
        int at = y * PITCH + x;
        // q·k, then dOut·v
        for (int r = 0; r < 2; r++) {
          int a = p.get(36 + 2 * r) + t0 * p.get(35 + 2 * r) + head * dim;
          int b = p.get(40 + 2 * r) + (first + base) * p.get(39 + 2 * r) + other * dim;
          for (int d0 = 0; d0 < dim; d0 += STEP) {
            for (int e = l; e < STEP * TILE; e += threads) {
              int d = e & 31;
              int i = e >> 5;
              float value = 0;
              if (d0 + d < dim) {
                if (i < rows) {
                  value = f.get(a + i * p.get(35 + 2 * r) + d0 + d);
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
                  value = f.get(b + j * p.get(39 + 2 * r) + d0 + d);
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
          int score = at + SECOND * r;
          scores[score] = c00;
          scores[score + 16] = c01;
          scores[score + 32] = c02;
          scores[score + 48] = c03;
          scores[score + PITCH] = c10;
          scores[score + PITCH + 16] = c11;
          scores[score + PITCH + 32] = c12;
          scores[score + PITCH + 48] = c13;
          scores[score + 2 * PITCH] = c20;
          scores[score + 2 * PITCH + 16] = c21;
          scores[score + 2 * PITCH + 32] = c22;
          scores[score + 2 * PITCH + 48] = c23;
          scores[score + 3 * PITCH] = c30;
          scores[score + 3 * PITCH + 16] = c31;
          scores[score + 3 * PITCH + 32] = c32;
          scores[score + 3 * PITCH + 48] = c33;
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
        c.localBarrier();
        for (int e = l; e < TILE * BLOCK; e += threads) {
          int j = e & 63;
          int i = e >> 6;
          int query = ofKeys ? j : i;
          int place = i * PITCH + j;
          float weight = TornadoMath.exp(scale * scores[place] - lse[query]);
          scores[place] = scale * weight * (scores[place + SECOND] - shares[query]);
          scores[place + SECOND] = weight;
        }
        c.localBarrier();
        // Σ dS y, then Σ p y₂ if the tile has keys
        for (int r = 0; r < results; r++) {
          int b = p.get(40 + 2 * r) + (first + base) * p.get(39 + 2 * r) + other * dim;
          for (int d0 = 0; d0 < dim; d0 += BLOCK) {
            for (int e = l; e < BLOCK * BLOCK; e += threads) {
              int d = e & 63;
              int j = e >> 6;
              float value = 0;
              if (d0 + d < dim) {
                if (j < columns) {
                  value = f.get(b + j * p.get(39 + 2 * r) + d0 + d);
                }
              }
              staged[j * PITCH + d] = value;
            }
            c.localBarrier();
            int last = y < rows ? columns : 0;
            for (int j = 0; j < last; j++) {
              int left = y * PITCH + j + SECOND * r;
              int right = j * PITCH + x;
              int place = origin + sign * (base + j);
              float b0 = staged[right];
              float b1 = staged[right + 16];
              float b2 = staged[right + 32];
              float b3 = staged[right + 48];
              if (place < edge) {
                float a0 = scores[left];
                c00 = c00 + a0 * b0;
                c01 = c01 + a0 * b1;
                c02 = c02 + a0 * b2;
                c03 = c03 + a0 * b3;
              }
              if (place < edge + sign) {
                float a1 = scores[left + PITCH];
                c10 = c10 + a1 * b0;
                c11 = c11 + a1 * b1;
                c12 = c12 + a1 * b2;
                c13 = c13 + a1 * b3;
              }
              if (place < edge + 2 * sign) {
                float a2 = scores[left + 2 * PITCH];
                c20 = c20 + a2 * b0;
                c21 = c21 + a2 * b1;
                c22 = c22 + a2 * b2;
                c23 = c23 + a2 * b3;
              }
              if (place < edge + 3 * sign) {
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
            c.localBarrier();
            for (int e = l; e < TILE * BLOCK; e += threads) {
              int d = e & 63;
              int i = e >> 6;
              if (d0 + d < dim) {
                if (i < rows) {
                  int place =
                      p.get(44 + 2 * r) + (t0 + i) * p.get(43 + 2 * r) + head * dim + d0 + d;
                  float value = staged[i * PITCH + d];
                  if (base > begin || other > from) {
                    value = f.get(place) + value;
                  }
                  f.set(place, value);
                }
              }
            }
            c.localBarrier();
          }
        }
      }
    }
  }
}
