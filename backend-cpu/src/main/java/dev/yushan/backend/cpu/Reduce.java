package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static dev.yushan.backend.cpu.Lanes.VIRTUAL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Sums over a row, in one order for every machine: element i goes to virtual lane i mod 16, lanes
/// are chains in ascending i, and [VectorMath#tree] folds them. A narrower vector computes its
/// lanes in several passes.
final class Reduce {
  private static final int V = Lanes.COUNT;

  /// Elements whose squares are summed in floats; the sums of chunks are added in doubles.
  private static final int CHUNK = 4096;

  private Reduce() {}

  /// `Σ a·b` over `n` elements from the bytes `aAt` and `bAt`.
  static float dot(MemorySegment a, long aAt, MemorySegment b, long bAt, int n) {
    float[] lanes = new float[VIRTUAL];
    int whole = n - n % VIRTUAL;
    for (int g = 0; g < VIRTUAL; g += V) {
      FloatVector sum = FloatVector.zero(F32);
      for (int i = g; i < whole; i += VIRTUAL) {
        FloatVector x = FloatVector.fromMemorySegment(F32, a, aAt + 4L * i, ORDER);
        FloatVector y = FloatVector.fromMemorySegment(F32, b, bAt + 4L * i, ORDER);
        sum = x.fma(y, sum);
      }
      sum.intoArray(lanes, g);
    }
    for (int i = whole; i < n; i++) {
      float x = a.get(JAVA_FLOAT_UNALIGNED, aAt + 4L * i);
      float y = b.get(JAVA_FLOAT_UNALIGNED, bAt + 4L * i);
      lanes[i - whole] = Math.fma(x, y, lanes[i - whole]);
    }
    return VectorMath.tree(lanes);
  }

  /// `Σ (a·b)·c` over `n` elements.
  static float dot3(MemorySegment a, long aAt, MemorySegment b, MemorySegment c, long cAt, int n) {
    float[] lanes = new float[VIRTUAL];
    int whole = n - n % VIRTUAL;
    for (int g = 0; g < VIRTUAL; g += V) {
      FloatVector sum = FloatVector.zero(F32);
      for (int i = g; i < whole; i += VIRTUAL) {
        FloatVector x = FloatVector.fromMemorySegment(F32, a, aAt + 4L * i, ORDER);
        FloatVector y = FloatVector.fromMemorySegment(F32, b, 4L * i, ORDER);
        FloatVector z = FloatVector.fromMemorySegment(F32, c, cAt + 4L * i, ORDER);
        sum = x.mul(y).fma(z, sum);
      }
      sum.intoArray(lanes, g);
    }
    for (int i = whole; i < n; i++) {
      float x = a.get(JAVA_FLOAT_UNALIGNED, aAt + 4L * i);
      float y = b.get(JAVA_FLOAT_UNALIGNED, 4L * i);
      float z = c.get(JAVA_FLOAT_UNALIGNED, cAt + 4L * i);
      lanes[i - whole] = Math.fma(x * y, z, lanes[i - whole]);
    }
    return VectorMath.tree(lanes);
  }

  /// The largest of `n` elements, or NaN if there is one.
  static float max(MemorySegment x, long at, int n) {
    float[] lanes = new float[VIRTUAL];
    FloatVector most = FloatVector.broadcast(F32, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i <= n - V; i += V) {
      most = most.max(FloatVector.fromMemorySegment(F32, x, at + 4L * i, ORDER));
    }
    most.intoArray(lanes, 0);
    float result = Float.NEGATIVE_INFINITY;
    for (int lane = 0; lane < V; lane++) {
      result = Math.max(result, lanes[lane]);
    }
    for (; i < n; i++) {
      result = Math.max(result, x.get(JAVA_FLOAT_UNALIGNED, at + 4L * i));
    }
    return result;
  }

  /// `x = exp(x − shift)` for `n` elements, and the sum of the results.
  static float expSum(MemorySegment x, long at, int n, float shift) {
    float[] lanes = new float[VIRTUAL];
    int whole = n - n % VIRTUAL;
    for (int g = 0; g < VIRTUAL; g += V) {
      FloatVector sum = FloatVector.zero(F32);
      for (int i = g; i < whole; i += VIRTUAL) {
        FloatVector v = FloatVector.fromMemorySegment(F32, x, at + 4L * i, ORDER);
        FloatVector e = VectorMath.exp(v.sub(shift));
        e.intoMemorySegment(x, at + 4L * i, ORDER);
        sum = sum.add(e);
      }
      sum.intoArray(lanes, g);
    }
    for (int i = whole; i < n; i++) {
      float e = VectorMath.exp(x.get(JAVA_FLOAT_UNALIGNED, at + 4L * i) - shift);
      x.set(JAVA_FLOAT_UNALIGNED, at + 4L * i, e);
      lanes[i - whole] += e;
    }
    return VectorMath.tree(lanes);
  }

  /// `Σ x²` of `n` floats: chunks of constant length as [#dot], their sums added in order as
  /// doubles.
  static double squaredNorm(ThreadTeam team, MemorySegment x, long n) {
    double[] sums = new double[Math.toIntExact((n + CHUNK - 1) / CHUNK)];
    team.ranges(
        sums.length,
        8,
        (from, to) -> {
          for (long i = from; i < to; i++) {
            long at = DType.F32.bytes(i * CHUNK);
            sums[(int) i] = dot(x, at, x, at, (int) Math.min(CHUNK, n - i * CHUNK));
          }
        });
    double sum = 0;
    for (double chunk : sums) {
      sum += chunk;
    }
    return sum;
  }
}
