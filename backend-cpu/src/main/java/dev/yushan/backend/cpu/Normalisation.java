package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/// Root mean square normalisation and its gradients.
final class Normalisation {
  private static final int V = Lanes.COUNT;

  /// Rows whose contributions to the gradient of the weight are one chain.
  private static final int ROW_BLOCK = 64;

  /// Columns of the weight's gradient that one task works on.
  private static final int COLUMN_BLOCK = 128;

  private Normalisation() {}

  /// `out = x · r · weight`, with `r` of each row in `inverseRms`.
  static void forward(
      ThreadTeam team,
      Matrix x,
      MemorySegment weight,
      float eps,
      Matrix out,
      MemorySegment inverseRms) {
    int n = x.columns();
    team.ranges(
        x.rows(),
        1 + 16384 / Math.max(1, n),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            float squares = Reduce.dot(x.memory(), x.row(row), x.memory(), x.row(row), n);
            float r = (float) (1 / Math.sqrt((double) squares / n + eps));
            inverseRms.set(JAVA_FLOAT_UNALIGNED, 4 * row, r);
            scaleRow(x.memory(), x.row(row), r, weight, out.memory(), out.row(row), n);
          }
        });
  }

  private static void scaleRow(
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
  /// dOut · x · r` over the rows.
  static void backward(
      ThreadTeam team,
      Matrix dOut,
      Matrix x,
      MemorySegment weight,
      MemorySegment inverseRms,
      float beta,
      Matrix dX,
      MemorySegment dWeight) {
    int n = x.columns();
    // first, since dX may be dOut
    int blocks = (n + COLUMN_BLOCK - 1) / COLUMN_BLOCK;
    team.run(
        blocks,
        block -> {
          int from = block * COLUMN_BLOCK;
          weightGradient(dOut, x, inverseRms, from, Math.min(n, from + COLUMN_BLOCK), dWeight);
        });
    team.ranges(
        x.rows(),
        1 + 16384 / Math.max(1, n),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            float r = inverseRms.get(JAVA_FLOAT_UNALIGNED, 4 * row);
            float sum =
                Reduce.dot3(dOut.memory(), dOut.row(row), weight, x.memory(), x.row(row), n);
            inputGradient(dOut, x, weight, r, r * r * sum / n, beta, dX, row);
          }
        });
  }

  private static void inputGradient(
      Matrix dOut,
      Matrix x,
      MemorySegment weight,
      float r,
      float along,
      float beta,
      Matrix dX,
      long row) {
    int n = x.columns();
    long from = dOut.row(row);
    long at = x.row(row);
    long to = dX.row(row);
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

  /// Columns `from` to `to`: blocks of rows in order, each summed from zero.
  private static void weightGradient(
      Matrix dOut, Matrix x, MemorySegment inverseRms, int from, int to, MemorySegment dWeight) {
    float[] sums = new float[COLUMN_BLOCK];
    for (int start = 0; start < x.rows(); start += ROW_BLOCK) {
      Arrays.fill(sums, 0);
      int end = Math.min(x.rows(), start + ROW_BLOCK);
      for (int row = start; row < end; row++) {
        float r = inverseRms.get(JAVA_FLOAT_UNALIGNED, 4L * row);
        addProducts(dOut, x, row, r, from, to, sums);
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
