package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/// Root mean square normalisation and its gradients: of rows, each of which is one or more heads as
/// long as the weight.
final class Normalisation {
  private static final int V = Lanes.COUNT;

  /// Rows whose contributions to the gradient of the weight are one chain.
  private static final int ROW_BLOCK = 64;

  /// Columns of the weight's gradient that one task works on.
  private static final int COLUMN_BLOCK = 128;

  private Normalisation() {}

  /// `out = x · r · weight`, with `r` of each head in `inverseRms`.
  static void forward(
      ThreadTeam team, Matrix x, Matrix weight, float eps, Matrix out, MemorySegment inverseRms) {
    int n = weight.rows();
    int heads = x.columns() / n;
    team.ranges(
        x.rows(),
        1 + 16384 / Math.max(1, x.columns()),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            for (int head = 0; head < heads; head++) {
              long at = x.row(row) + 4L * head * n;
              float squares = Reduce.dot(x.memory(), at, x.memory(), at, n);
              float r = (float) (1 / Math.sqrt((double) squares / n + eps));
              inverseRms.set(JAVA_FLOAT_UNALIGNED, 4 * (row * heads + head), r);
              long target = out.row(row) + 4L * head * n;
              scale(x.memory(), at, r, weight.memory(), out.memory(), target, n);
            }
          }
        });
  }

  private static void scale(
      MemorySegment x, long at, float r, MemorySegment weight, MemorySegment out, long to, int n) {
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector v = FloatVector.fromMemorySegment(F32, x, at + 4L * i, ORDER);
      FloatVector w = FloatVector.fromMemorySegment(F32, weight, 4L * i, ORDER);
      v.mul(r).mul(w).intoMemorySegment(out, to + 4L * i, ORDER);
    }
    if (i < n) {
      VectorMask<Float> rest = F32.indexInRange(i, n);
      FloatVector v = FloatVector.fromMemorySegment(F32, x, at + 4L * i, ORDER, rest);
      FloatVector w = FloatVector.fromMemorySegment(F32, weight, 4L * i, ORDER, rest);
      v.mul(r).mul(w).intoMemorySegment(out, to + 4L * i, ORDER, rest);
    }
  }

  /// With `g = dOut · weight`: `dX = beta · dX + r · (g − x · r² · Σ(g·x) / C)`, and `dWeight += Σ
  /// dOut · x · r` over the heads of all rows.
  static void backward(
      ThreadTeam team,
      Matrix dOut,
      Matrix x,
      Matrix weight,
      MemorySegment inverseRms,
      float beta,
      Matrix dX,
      MemorySegment dWeight) {
    int n = weight.rows();
    int heads = x.columns() / n;
    // first, since dX may be dOut
    int blocks = (n + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
    team.run(
        blocks,
        block -> {
          int from = block * COLUMN_BLOCK;
          int to = Math.min(n, from + COLUMN_BLOCK);
          weightGradient(dOut, x, inverseRms, n, from, to, dWeight);
        });
    team.ranges(
        x.rows(),
        1 + 16384 / Math.max(1, x.columns()),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            for (int head = 0; head < heads; head++) {
              float r = inverseRms.get(JAVA_FLOAT_UNALIGNED, 4 * (row * heads + head));
              inputGradient(dOut, x, weight, r, beta, dX, row, 4L * head * n);
            }
          }
        });
  }

  /// Of the head that begins `skip` bytes into `row`.
  private static void inputGradient(
      Matrix dOut, Matrix x, Matrix weights, float r, float beta, Matrix dX, long row, long skip) {
    MemorySegment weight = weights.memory();
    int n = weights.rows();
    long from = dOut.row(row) + skip;
    long at = x.row(row) + skip;
    long to = dX.row(row) + skip;
    float along = r * r * Reduce.dot3(dOut.memory(), from, weight, x.memory(), at, n) / n;
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector d = FloatVector.fromMemorySegment(F32, dOut.memory(), from + 4L * i, ORDER);
      FloatVector w = FloatVector.fromMemorySegment(F32, weight, 4L * i, ORDER);
      FloatVector v = FloatVector.fromMemorySegment(F32, x.memory(), at + 4L * i, ORDER);
      FloatVector g = d.mul(w).sub(v.mul(along)).mul(r);
      if (beta != 0) {
        g = FloatVector.fromMemorySegment(F32, dX.memory(), to + 4L * i, ORDER).mul(beta).add(g);
      }
      g.intoMemorySegment(dX.memory(), to + 4L * i, ORDER);
    }
    for (; i < n; i++) {
      float d = dOut.memory().get(JAVA_FLOAT_UNALIGNED, from + 4L * i);
      float w = weight.get(JAVA_FLOAT_UNALIGNED, 4L * i);
      float v = x.memory().get(JAVA_FLOAT_UNALIGNED, at + 4L * i);
      float g = (d * w - v * along) * r;
      if (beta != 0) {
        g = dX.memory().get(JAVA_FLOAT_UNALIGNED, to + 4L * i) * beta + g;
      }
      dX.memory().set(JAVA_FLOAT_UNALIGNED, to + 4L * i, g);
    }
  }

  /// Columns `from` to `to` of heads of `n`: blocks of rows in order, each summed from zero.
  private static void weightGradient(
      Matrix dOut,
      Matrix x,
      MemorySegment inverseRms,
      int n,
      int from,
      int to,
      MemorySegment dWeight) {
    int heads = x.columns() / n;
    float[] sums = new float[COLUMN_BLOCK];
    for (int start = 0; start < x.rows(); start += ROW_BLOCK) {
      Arrays.fill(sums, 0);
      int end = Math.min(x.rows(), start + ROW_BLOCK);
      for (int row = start; row < end; row++) {
        for (int head = 0; head < heads; head++) {
          float r = inverseRms.get(JAVA_FLOAT_UNALIGNED, 4L * (row * heads + head));
          int skip = head * n;
          addProducts(dOut, x, row, r, skip + from, skip + to, sums);
        }
      }
      for (int i = from; i < to; i++) {
        float sum = dWeight.get(JAVA_FLOAT_UNALIGNED, 4L * i) + sums[i - from];
        dWeight.set(JAVA_FLOAT_UNALIGNED, 4L * i, sum);
      }
    }
  }

  private static void addProducts(
      Matrix dOut, Matrix x, int row, float r, int from, int to, float[] sums) {
    long d = dOut.row(row) + 4L * from;
    long v = x.row(row) + 4L * from;
    int n = to - from;
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector g = FloatVector.fromMemorySegment(F32, dOut.memory(), d + 4L * i, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(F32, x.memory(), v + 4L * i, ORDER).mul(r);
      g.fma(y, FloatVector.fromArray(F32, sums, i)).intoArray(sums, i);
    }
    for (; i < n; i++) {
      float g = dOut.memory().get(JAVA_FLOAT_UNALIGNED, d + 4L * i);
      float y = x.memory().get(JAVA_FLOAT_UNALIGNED, v + 4L * i) * r;
      sums[i] = Math.fma(g, y, sums[i]);
    }
  }
}
