package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/// Device code that goes element by element: one thread an element. Parameters are listed with each
/// kernel, from [Common#ARGUMENTS] on; the first is the number of columns.
final class ElementKernels {
  private ElementKernels() {}

  /// columns, a, b, out
  static void kAdd(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      f.set(p.get(27) + i, f.get(p.get(25) + i) + f.get(p.get(26) + i));
    }
  }

  /// columns, x, factor
  static void kScale(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      f.set(p.get(25) + i, f.get(p.get(26)) * f.get(p.get(25) + i));
    }
  }

  /// columns, ab, x, y
  static void kAxpby(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      float x = f.get(p.get(25)) * f.get(p.get(26) + i);
      f.set(p.get(27) + i, x + f.get(p.get(25) + 1) * f.get(p.get(27) + i));
    }
  }

  /// columns, a, b, out, weight
  static void kLerp(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      float a = f.get(p.get(25) + i);
      float b = f.get(p.get(26) + i);
      f.set(p.get(27) + i, a + Common.number(p, f, 28) * (b - a));
    }
  }

  /// columns, x, out
  static void kSign(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      float x = f.get(p.get(25) + i);
      float sign = x;
      if (x > 0) {
        sign = 1;
      } else if (x < 0) {
        sign = -1;
      }
      f.set(p.get(26) + i, sign);
    }
  }

  /// columns, x, value
  static void kFill(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      f.set(p.get(25) + i, Common.number(p, f, 26));
    }
  }

  /// columns, source, target
  static void kCopyFloats(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      f.set(p.get(26) + i, f.get(p.get(25) + i));
    }
  }

  /// columns, source, target
  static void kCopyInts(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      w.set(p.get(26) + i, w.get(p.get(25) + i));
    }
  }

  /// columns (in shorts), source, target
  static void kCopyShorts(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      h.set(p.get(26) + i, h.get(p.get(25) + i));
    }
  }

  /// columns, source, target, type of source
  static void kUnpack(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      f.set(p.get(26) + i, Packed.read(h, f, p.get(27), p.get(25), i));
    }
  }

  /// columns, source, target, type of source, type of target (F16 or BF16)
  static void kPack(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      float x = Packed.plain(h, f, p.get(27), p.get(25) + i);
      Packed.write(h, f, p.get(28), p.get(26) + i, x);
    }
  }

  /// columns, ld of source, source, target, elements of a part: each element as the sum of three
  /// BF16 numbers, one in each part of the target
  static void kSplit(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    int columns = p.get(24);
    if (i < Common.live(p, w, 0) * columns) {
      int row = i / columns;
      float rest = f.get(p.get(26) + row * p.get(25) + i - row * columns);
      for (int part = 0; part < 3; part++) {
        int at = p.get(27) + part * p.get(28) + i;
        Packed.write(h, f, Packed.BF16, at, rest);
        rest = rest - Packed.bfloat(f, h.get(at) & 65535);
        // of NaN and infinity nothing is left
        rest = rest - rest == 0 ? rest : 0;
      }
    }
  }

  /// columns, source, target (Q8_0), type of source: one thread a block
  static void kQuantise8(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * (p.get(24) / 32)) {
      Packed.writeQ8(h, f, p.get(27), p.get(25) + 32 * i, p.get(26) + 17 * i);
    }
  }

  /// columns, source, target (Q4_0), type of source: one thread a block
  static void kQuantise4(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * (p.get(24) / 32)) {
      Packed.writeQ4(h, f, p.get(27), p.get(25) + 32 * i, p.get(26) + 9 * i);
    }
  }

  /// columns, step, parameter, gradient, m, v, 1−β₁, β₂, 1−β₂, eps, weight decay
  static void kAdamW(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    if (i < Common.live(p, w, 0) * p.get(24)) {
      int step = p.get(25);
      float rate = f.get(step);
      float x = f.get(p.get(26) + i);
      float g = f.get(step + 3) * f.get(p.get(27) + i);
      float m = f.get(p.get(28) + i);
      float v = f.get(p.get(29) + i);
      x = x - rate * Common.number(p, f, 38) * x;
      m = m + Common.number(p, f, 30) * (g - m);
      v = Common.number(p, f, 32) * v + Common.number(p, f, 34) * g * g;
      float root = TornadoMath.sqrt(v) / TornadoMath.sqrt(f.get(step + 2));
      float rateNow = rate / f.get(step + 1);
      f.set(p.get(28) + i, m);
      f.set(p.get(29) + i, v);
      f.set(p.get(26) + i, x - rateNow * m / (root + Common.number(p, f, 36)));
    }
  }

  /// columns, ld of gate, gate, ld of up, up, ld of out, out
  static void kSwiGlu(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    int columns = p.get(24);
    if (i < Common.live(p, w, 0) * columns) {
      int row = i / columns;
      int j = i - row * columns;
      float g = f.get(p.get(26) + row * p.get(25) + j);
      float u = f.get(p.get(28) + row * p.get(27) + j);
      f.set(p.get(30) + row * p.get(29) + j, g / (1f + TornadoMath.exp(-g)) * u);
    }
  }

  /// columns, then ld and tensor of: dOut, gate, up, dGate, dUp
  static void kSwiGluBackward(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    int columns = p.get(24);
    if (i < Common.live(p, w, 0) * columns) {
      int row = i / columns;
      int j = i - row * columns;
      float d = f.get(p.get(26) + row * p.get(25) + j);
      float g = f.get(p.get(28) + row * p.get(27) + j);
      float u = f.get(p.get(30) + row * p.get(29) + j);
      float e = TornadoMath.exp(-g);
      float s = 1f / (1f + e);
      // 1 − s without its cancellation: e·s, and 1 where e is infinite
      float rest = s == 0 ? 1f : e * s;
      f.set(p.get(32) + row * p.get(31) + j, d * u * s * (1f + g * rest));
      f.set(p.get(34) + row * p.get(33) + j, d * g * s);
    }
  }

  /// columns, ld of x, x, positions, cosSin, D, ld of out, out, sign of the sine
  static void kRope(KernelContext c, IntArray p, FloatArray f, ShortArray h, IntArray w) {
    int i = c.globalIdx;
    int pairs = p.get(24) / 2;
    if (i < Common.live(p, w, 0) * pairs) {
      int row = i / pairs;
      int pair = i - row * pairs;
      int half = p.get(29) / 2;
      int head = pair / half;
      int j = pair - head * half;
      int angle = p.get(28) + w.get(p.get(27) + row) * p.get(29) + j;
      float cos = f.get(angle);
      float sin = f.get(angle + half) * p.get(32);
      int from = p.get(26) + row * p.get(25) + head * p.get(29) + j;
      int to = p.get(31) + row * p.get(30) + head * p.get(29) + j;
      float first = f.get(from);
      float second = f.get(from + half);
      f.set(to, first * cos - second * sin);
      f.set(to + half, second * cos + first * sin);
    }
  }
}
