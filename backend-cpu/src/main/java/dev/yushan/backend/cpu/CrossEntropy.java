package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// The loss of a language model and its gradient, row by row in place.
final class CrossEntropy {
  /// The target of a row that does not count.
  private static final int IGNORED = -100;

  private static final int V = Lanes.COUNT;

  private CrossEntropy() {}

  /// `nll[r] = log Σ exp(logits[r]) − logits[r, target]`; then `logits[r] = scale ·
  /// (softmax(logits[r]) − onehot(target))`.
  static void rows(
      ThreadTeam team, Matrix logits, MemorySegment targets, float scale, MemorySegment nll) {
    team.ranges(
        logits.rows(),
        1,
        (from, to) -> {
          for (long row = from; row < to; row++) {
            int target = targets.get(JAVA_INT_UNALIGNED, 4 * row);
            nll.set(JAVA_FLOAT_UNALIGNED, 4 * row, row(logits, row, target, scale));
          }
        });
  }

  private static float row(Matrix logits, long row, int target, float scale) {
    MemorySegment x = logits.memory();
    long at = logits.row(row);
    int n = logits.columns();
    if (target == IGNORED) {
      x.asSlice(at, 4L * n).fill((byte) 0);
      return 0;
    }
    if (target < 0 || target >= n) {
      throw new IllegalArgumentException(
          "crossEntropy: target %d of row %d is neither -100 nor below the vocabulary of %d"
              .formatted(target, row, n));
    }
    float chosen = x.get(JAVA_FLOAT_UNALIGNED, at + 4L * target);
    float max = Reduce.max(x, at, n);
    float sum = Reduce.expSum(x, at, n, max);
    float p = x.get(JAVA_FLOAT_UNALIGNED, at + 4L * target) / sum;
    multiply(x, at, n, scale / sum);
    x.set(JAVA_FLOAT_UNALIGNED, at + 4L * target, (p - 1) * scale);
    return (float) (StrictMath.log(sum) + ((double) max - chosen));
  }

  private static void multiply(MemorySegment x, long at, int n, float factor) {
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector v = FloatVector.fromMemorySegment(F32, x, at + 4L * i, ORDER);
      v.mul(factor).intoMemorySegment(x, at + 4L * i, ORDER);
    }
    for (; i < n; i++) {
      float v = x.get(JAVA_FLOAT_UNALIGNED, at + 4L * i);
      x.set(JAVA_FLOAT_UNALIGNED, at + 4L * i, v * factor);
    }
  }
}
