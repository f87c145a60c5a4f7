package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Device code with sums along rows, or heads of rows: a group of [#GROUP] threads for each, of
/// which every one has each GROUP-th element, then one fixed tree. The order of a sum depends on
/// its length alone.
final class NormKernels {
  static final int GROUP = 256;

  /// Elements of a weight whose gradients a group has, and in how many parts a sum over rows comes.
  private static final int WIDTH = 8;

  private static final int SLICES = GROUP / WIDTH;

  private NormKernels() {}

  /// Groups of [#kRmsNormWeight].
  static long weightGroups(long columns) {
    return (columns + WIDTH - 1) / WIDTH;
  }

  /// elements of a head, heads, stride and x, weight, stride and out, inverseRms, eps: a group a
  /// head
  static void kRmsNorm(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] part = c.allocateFloatLocalArray(GROUP);
    int l = c.localIdx;
    int row = c.groupIdx / p.get(25);
    int columns = p.get(24);
    int skip = (c.groupIdx - row * p.get(25)) * columns;
    int x = p.get(27) + row * p.get(26) + skip;
    int out = p.get(30) + row * p.get(29) + skip;
    boolean live = row < Common.live(p, w, 0);
    float sum = 0;
    if (live) {
      for (int j = l; j < columns; j += GROUP) {
        float value = f.get(x + j);
        sum += value * value;
      }
    }
    part[l] = sum;
    for (int s = GROUP / 2; s > 0; s >>= 1) {
      c.localBarrier();
      if (l < s) {
        part[l] = part[l] + part[l + s];
      }
    }
    c.localBarrier();
    if (live) {
      float r = 1f / TornadoMath.sqrt(part[0] / columns + Common.number(p, f, 32));
      if (l == 0) {
        f.set(p.get(31) + c.groupIdx, r);
      }
      for (int j = l; j < columns; j += GROUP) {
        f.set(out + j, f.get(x + j) * r * f.get(p.get(28) + j));
      }
    }
  }

  /// elements of a head, heads, strides and dOut, x, dX, then weight, inverseRms, whether dX is
  /// added to, beta: a group a head
  static void kRmsNormBackward(
      KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] part = c.allocateFloatLocalArray(GROUP);
    int l = c.localIdx;
    int row = c.groupIdx / p.get(25);
    int columns = p.get(24);
    int skip = (c.groupIdx - row * p.get(25)) * columns;
    int dOut = p.get(27) + row * p.get(26) + skip;
    int x = p.get(29) + row * p.get(28) + skip;
    int dX = p.get(31) + row * p.get(30) + skip;
    boolean live = row < Common.live(p, w, 0);
    float r = 0;
    float sum = 0;
    if (live) {
      r = f.get(p.get(33) + c.groupIdx);
      for (int j = l; j < columns; j += GROUP) {
        sum += f.get(dOut + j) * f.get(p.get(32) + j) * (f.get(x + j) * r);
      }
    }
    part[l] = sum;
    for (int s = GROUP / 2; s > 0; s >>= 1) {
      c.localBarrier();
      if (l < s) {
        part[l] = part[l] + part[l + s];
      }
    }
    c.localBarrier();
    if (live) {
      float mean = part[0] / columns;
      for (int j = l; j < columns; j += GROUP) {
        float d = r * (f.get(dOut + j) * f.get(p.get(32) + j) - f.get(x + j) * r * mean);
        if (p.get(34) == 1) {
          d = Common.number(p, f, 35) * f.get(dX + j) + d;
        }
        f.set(dX + j, d);
      }
    }
  }

  /// elements of a head, heads, strides and dOut, x, then inverseRms, dWeight: a group has [#WIDTH]
  /// elements, a thread one of them of each SLICES-th head of all rows, then one fixed tree
  static void kRmsNormWeight(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] part = c.allocateFloatLocalArray(GROUP);
    int l = c.localIdx;
    int slice = l / WIDTH;
    int j = c.groupIdx * WIDTH + l - slice * WIDTH;
    int columns = p.get(24);
    int heads = p.get(25);
    int last = j < columns ? Common.live(p, w, 0) * heads : 0;
    int dOut = p.get(27) + j;
    int x = p.get(29) + j;
    int perRow = p.get(26);
    int perRowX = p.get(28);
    int inverse = p.get(30);
    float sum = 0;
    for (int i = slice; i < last; i += SLICES) {
      int row = i / heads;
      int skip = (i - row * heads) * columns;
      float y = f.get(x + row * perRowX + skip) * f.get(inverse + i);
      sum += f.get(dOut + row * perRow + skip) * y;
    }
    part[l] = sum;
    for (int s = GROUP / 2; s >= WIDTH; s >>= 1) {
      c.localBarrier();
      if (l < s) {
        part[l] = part[l] + part[l + s];
      }
    }
    c.localBarrier();
    if (l < WIDTH) {
      if (j < columns) {
        f.set(p.get(31) + j, f.get(p.get(31) + j) + part[l]);
      }
    }
  }

  /// columns, x: the sums of each of [#GROUP] groups into scratch memory
  static void kSquares(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] part = c.allocateFloatLocalArray(GROUP);
    int l = c.localIdx;
    int n = Common.live(p, w, 0) * p.get(24);
    float sum = 0;
    for (int i = c.globalIdx; i < n; i += GROUP * GROUP) {
      float x = f.get(p.get(25) + i);
      sum += x * x;
    }
    part[l] = sum;
    for (int s = GROUP / 2; s > 0; s >>= 1) {
      c.localBarrier();
      if (l < s) {
        part[l] = part[l] + part[l + s];
      }
    }
    c.localBarrier();
    if (l == 0) {
      f.set(Common.SCRATCH + c.groupIdx, part[0]);
    }
  }

  /// out: the sum of what [#kSquares] left, by one group, for one row
  static void kSumSquares(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] part = c.allocateFloatLocalArray(GROUP);
    int l = c.localIdx;
    part[l] = f.get(Common.SCRATCH + l);
    for (int s = GROUP / 2; s > 0; s >>= 1) {
      c.localBarrier();
      if (l < s) {
        part[l] = part[l] + part[l + s];
      }
    }
    c.localBarrier();
    if (l < p.get(0)) {
      f.set(p.get(24), part[0]);
    }
  }

  /// columns, logits, targets, scale, nll
  static void kCrossEntropy(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    float[] part = c.allocateFloatLocalArray(GROUP);
    int l = c.localIdx;
    int row = c.groupIdx;
    int columns = p.get(24);
    int x = p.get(25) + row * columns;
    boolean live = row < Common.live(p, w, 0);
    float largest = -f.get(Common.INFINITY);
    if (live) {
      for (int j = l; j < columns; j += GROUP) {
        float value = f.get(x + j);
        if (value > largest) {
          largest = value;
        }
      }
    }
    part[l] = largest;
    for (int s = GROUP / 2; s > 0; s >>= 1) {
      c.localBarrier();
      if (l < s) {
        if (part[l + s] > part[l]) {
          part[l] = part[l + s];
        }
      }
    }
    c.localBarrier();
    largest = part[0];
    c.localBarrier();
    float sum = 0;
    int target = -100;
    float hit = 0;
    if (live) {
      target = w.get(p.get(26) + row);
      // before any thread replaces it: a barrier that not all groups come to breaks PoCL
      hit = f.get(x + (target < 0 ? 0 : target));
      for (int j = l; j < columns; j += GROUP) {
        sum += TornadoMath.exp(f.get(x + j) - largest);
      }
    }
    part[l] = sum;
    for (int s = GROUP / 2; s > 0; s >>= 1) {
      c.localBarrier();
      if (l < s) {
        part[l] = part[l] + part[l + s];
      }
    }
    c.localBarrier();
    if (live) {
      boolean ignored = target == -100;
      float total = part[0];
      float scale = f.get(p.get(27));
      if (l == 0) {
        f.set(p.get(28) + row, ignored ? 0 : largest - hit + TornadoMath.log(total));
      }
      for (int j = l; j < columns; j += GROUP) {
        float d = 0;
        if (!ignored) {
          float q = TornadoMath.exp(f.get(x + j) - largest) / total;
          d = scale * (j == target ? q - 1f : q);
        }
        f.set(x + j, d);
      }
    }
  }
}
