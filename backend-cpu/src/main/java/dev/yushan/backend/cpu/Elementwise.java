package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Kernels on contiguous floats whose results depend on one place alone. Offsets count elements.
final class Elementwise {
  private static final int V = Lanes.COUNT;

  /// Elements from which a second thread pays.
  static final long GRAIN = 16384;

  private Elementwise() {}

  private static FloatVector load(MemorySegment m, long i) {
    return FloatVector.fromMemorySegment(F32, m, 4 * i, ORDER);
  }

  private static FloatVector load(MemorySegment m, long i, VectorMask<Float> in) {
    return FloatVector.fromMemorySegment(F32, m, 4 * i, ORDER, in);
  }

  private static void store(FloatVector v, MemorySegment m, long i) {
    v.intoMemorySegment(m, 4 * i, ORDER);
  }

  private static void store(FloatVector v, MemorySegment m, long i, VectorMask<Float> in) {
    v.intoMemorySegment(m, 4 * i, ORDER, in);
  }

  /// `out = a + b`.
  static void add(MemorySegment a, MemorySegment b, MemorySegment out, long from, long to) {
    long i = from;
    for (; i <= to - V; i += V) {
      store(load(a, i).add(load(b, i)), out, i);
    }
    if (i < to) {
      VectorMask<Float> in = F32.indexInRange(i, to);
      store(load(a, i, in).add(load(b, i, in)), out, i, in);
    }
  }

  /// `x = factor · x`.
  static void scale(MemorySegment x, float factor, long from, long to) {
    long i = from;
    for (; i <= to - V; i += V) {
      store(load(x, i).mul(factor), x, i);
    }
    if (i < to) {
      VectorMask<Float> in = F32.indexInRange(i, to);
      store(load(x, i, in).mul(factor), x, i, in);
    }
  }

  /// `y = alpha · x + beta · y`.
  static void axpby(float alpha, MemorySegment x, float beta, MemorySegment y, long from, long to) {
    FloatVector factor = FloatVector.broadcast(F32, alpha);
    long i = from;
    for (; i <= to - V; i += V) {
      store(load(x, i).fma(factor, load(y, i).mul(beta)), y, i);
    }
    if (i < to) {
      VectorMask<Float> in = F32.indexInRange(i, to);
      store(load(x, i, in).fma(factor, load(y, i, in).mul(beta)), y, i, in);
    }
  }

  /// `out = a + weight · (b − a)`.
  static void lerp(
      MemorySegment a, MemorySegment b, float weight, MemorySegment out, long from, long to) {
    FloatVector w = FloatVector.broadcast(F32, weight);
    long i = from;
    for (; i <= to - V; i += V) {
      FloatVector start = load(a, i);
      store(load(b, i).sub(start).fma(w, start), out, i);
    }
    if (i < to) {
      VectorMask<Float> in = F32.indexInRange(i, to);
      FloatVector start = load(a, i, in);
      store(load(b, i, in).sub(start).fma(w, start), out, i, in);
    }
  }

  /// `out = signum(x)`; zeros and NaN stay what they are.
  static void sign(MemorySegment x, MemorySegment out, long from, long to) {
    for (long i = from; i < to; i += V) {
      VectorMask<Float> in = F32.indexInRange(i, to);
      FloatVector v = load(x, i, in);
      FloatVector up = v.blend(1, v.compare(VectorOperators.GT, 0));
      store(up.blend(-1, v.lt(0)), out, i, in);
    }
  }

  static void fill(MemorySegment x, float value, long from, long to) {
    FloatVector v = FloatVector.broadcast(F32, value);
    long i = from;
    for (; i <= to - V; i += V) {
      store(v, x, i);
    }
    for (; i < to; i++) {
      x.set(JAVA_FLOAT_UNALIGNED, 4 * i, value);
    }
  }

  /// Adds `columns` floats from the byte `at` of `source` to those from the byte `to` of `target`.
  static void addInto(MemorySegment source, long at, MemorySegment target, long to, int columns) {
    int i = 0;
    for (; i <= columns - V; i += V) {
      FloatVector v = FloatVector.fromMemorySegment(F32, source, at + 4L * i, ORDER);
      FloatVector.fromMemorySegment(F32, target, to + 4L * i, ORDER)
          .add(v)
          .intoMemorySegment(target, to + 4L * i, ORDER);
    }
    for (; i < columns; i++) {
      float v = source.get(JAVA_FLOAT_UNALIGNED, at + 4L * i);
      float sum = target.get(JAVA_FLOAT_UNALIGNED, to + 4L * i) + v;
      target.set(JAVA_FLOAT_UNALIGNED, to + 4L * i, sum);
    }
  }
}
