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
  private static final int ROWS = AttentionTiles.ROWS;
  private static final int WIDE_ROWS = AttentionTiles.WIDE_ROWS;

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
    float[] chains = new float[16];
    float[] x4 = new float[4];
    float[] y4 = new float[4];
    float[] ahead = new float[16];
    int l = c.localIdx;
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
    for (int e = l; e < rows * dim; e += GROUP) {
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
    int x = (l & 15) * 4;
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
        // q·k, then dOut·v
        for (int r = 0; r < 2; r++) {
          int a = p.get(36 + 2 * r) + t0 * p.get(35 + 2 * r) + head * dim;
          int b = p.get(40 + 2 * r) + (first + base) * p.get(39 + 2 * r) + other * dim;
          int aRow = p.get(35 + 2 * r);
          int bRow = p.get(39 + 2 * r);
          for (int i = 0; i < 16; i++) {
            chains[i] = 0;
          }
          for (int d0 = 0; d0 < dim; d0 += STEP) {
            int d = l & 31;
            int mine = d0 + d < dim ? rows : 0;
            for (int n = 0; n < TILE / ROWS; n++) {
              int i = l / STEP + ROWS * n;
              float value = 0;
              if (i < mine) {
                value = f.get(a + i * aRow + d0 + d);
              }
              ahead[n] = value;
            }
            for (int n = 0; n < TILE / ROWS; n++) {
              staged[d * NARROW + l / STEP + ROWS * n] = ahead[n];
            }
            mine = d0 + d < dim ? columns : 0;
            for (int n = 0; n < BLOCK / ROWS; n++) {
              int j = l / STEP + ROWS * n;
              float value = 0;
              if (j < mine) {
                value = f.get(b + j * bRow + d0 + d);
              }
              ahead[n] = value;
            }
            for (int n = 0; n < BLOCK / ROWS; n++) {
              staged[RIGHT + d * PITCH + l / STEP + ROWS * n] = ahead[n];
            }
            c.localBarrier();
            int terms = dim - d0 < STEP ? dim - d0 : STEP;
            int last = y < rows ? terms : 0;
            for (int k = 0; k < last; k++) {
              for (int i = 0; i < 4; i++) {
                x4[i] = staged[k * NARROW + y + i];
                y4[i] = staged[RIGHT + k * PITCH + x + i];
              }
              for (int i = 0; i < 4; i++) {
                for (int j = 0; j < 4; j++) {
                  chains[4 * i + j] = chains[4 * i + j] + x4[i] * y4[j];
                }
              }
            }
            c.localBarrier();
          }
          for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 4; j++) {
              scores[SECOND * r + (y + i) * PITCH + x + j] = chains[4 * i + j];
            }
          }
        }
        c.localBarrier();
        for (int e = l; e < TILE * BLOCK; e += GROUP) {
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
          int bRow = p.get(39 + 2 * r);
          for (int d0 = 0; d0 < dim; d0 += BLOCK) {
            int d = l & 63;
            int mine = d0 + d < dim ? columns : 0;
            for (int half = 0; half < 2; half++) {
              int j0 = half * BLOCK / 2 + l / BLOCK;
              for (int n = 0; n < 16; n++) {
                int j = j0 + WIDE_ROWS * n;
                float value = 0;
                if (j < mine) {
                  value = f.get(b + j * bRow + d0 + d);
                }
                ahead[n] = value;
              }
              for (int n = 0; n < 16; n++) {
                staged[(j0 + WIDE_ROWS * n) * PITCH + d] = ahead[n];
              }
            }
            c.localBarrier();
            for (int i = 0; i < 16; i++) {
              chains[i] = 0;
            }
            int last = y < rows ? columns : 0;
            for (int j = 0; j < last; j++) {
              int place = origin + sign * (base + j);
              for (int i = 0; i < 4; i++) {
                y4[i] = staged[j * PITCH + x + i];
              }
              for (int i = 0; i < 4; i++) {
                if (place < edge + sign * i) {
                  float weight = scores[SECOND * r + (y + i) * PITCH + j];
                  for (int k = 0; k < 4; k++) {
                    chains[4 * i + k] = chains[4 * i + k] + weight * y4[k];
                  }
                }
              }
            }
            for (int i = 0; i < 4; i++) {
              for (int j = 0; j < 4; j++) {
                if (d0 + x + j < dim) {
                  if (y + i < rows) {
                    int row = p.get(44 + 2 * r) + (t0 + y + i) * p.get(43 + 2 * r);
                    int at = row + head * dim + d0 + x + j;
                    float value = chains[4 * i + j];
                    if (base > begin || other > from) {
                      value = f.get(at) + value;
                    }
                    f.set(at, value);
                  }
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
