package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;

import dev.yushan.backend.Kernels.AdamWConstants;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/// The AdamW step in one pass over parameter, gradient and moments.
///
/// @param decay 1 − lr · weightDecay
/// @param first 1 − β₁
/// @param beta2 β₂
/// @param second 1 − β₂
/// @param stepSize lr / c₁
/// @param root √c₂
/// @param eps added to the denominator
/// @param gradientScale the clip coefficient
record AdamW(
    float decay,
    float first,
    float beta2,
    float second,
    float stepSize,
    float root,
    float eps,
    float gradientScale) {
  private static final int V = Lanes.COUNT;

  /// The coefficients of one step, computed in doubles.
  static AdamW of(AdamWConstants c, float lr, float c1, float c2, float gradientScale) {
    return new AdamW(
        (float) (1 - (double) lr * c.weightDecay()),
        (float) (1 - c.beta1()),
        (float) c.beta2(),
        (float) (1 - c.beta2()),
        (float) ((double) lr / c1),
        (float) Math.sqrt(c2),
        (float) c.eps(),
        gradientScale);
  }

  /// Elements `from` to `to`.
  void step(
      MemorySegment parameter,
      MemorySegment gradient,
      MemorySegment m,
      MemorySegment v,
      long from,
      long to) {
    long i = from;
    for (; i <= to - V; i += V) {
      long at = 4 * i;
      FloatVector g = FloatVector.fromMemorySegment(F32, gradient, at, ORDER).mul(gradientScale);
      FloatVector mean = mean(FloatVector.fromMemorySegment(F32, m, at, ORDER), g);
      FloatVector square = square(FloatVector.fromMemorySegment(F32, v, at, ORDER), g);
      FloatVector p = FloatVector.fromMemorySegment(F32, parameter, at, ORDER);
      mean.intoMemorySegment(m, at, ORDER);
      square.intoMemorySegment(v, at, ORDER);
      moved(p, mean, square).intoMemorySegment(parameter, at, ORDER);
    }
    if (i < to) {
      long at = 4 * i;
      VectorMask<Float> in = F32.indexInRange(i, to);
      FloatVector g =
          FloatVector.fromMemorySegment(F32, gradient, at, ORDER, in).mul(gradientScale);
      FloatVector mean = mean(FloatVector.fromMemorySegment(F32, m, at, ORDER, in), g);
      FloatVector square = square(FloatVector.fromMemorySegment(F32, v, at, ORDER, in), g);
      FloatVector p = FloatVector.fromMemorySegment(F32, parameter, at, ORDER, in);
      mean.intoMemorySegment(m, at, ORDER, in);
      square.intoMemorySegment(v, at, ORDER, in);
      moved(p, mean, square).intoMemorySegment(parameter, at, ORDER, in);
    }
  }

  private FloatVector mean(FloatVector m, FloatVector g) {
    return g.sub(m).mul(first).add(m);
  }

  private FloatVector square(FloatVector v, FloatVector g) {
    return v.mul(beta2).add(g.mul(g).mul(second));
  }

  private FloatVector moved(FloatVector p, FloatVector m, FloatVector v) {
    FloatVector denominator = v.sqrt().div(root).add(eps);
    return p.mul(decay).sub(m.div(denominator).mul(stepSize));
  }
}
