package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/// The gated activation `gate · sigmoid(gate) · up`, and its gradients.
final class SwiGlu {
  private static final int V = Lanes.COUNT;

  private SwiGlu() {}

  private static FloatVector sigmoid(FloatVector x) {
    return FloatVector.broadcast(F32, 1).div(VectorMath.exp(x.neg()).add(1));
  }

  static void forward(ThreadTeam team, Matrix gate, Matrix up, Matrix out) {
    int n = gate.columns();
    team.ranges(
        gate.rows(),
        1 + 8192 / Math.max(1, n),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            forwardRow(gate, up, out, row, n);
          }
        });
  }

  private static void forwardRow(Matrix gate, Matrix up, Matrix out, long row, int n) {
    long g = gate.row(row);
    long u = up.row(row);
    long o = out.row(row);
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector x = FloatVector.fromMemorySegment(F32, gate.memory(), g + 4L * i, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(F32, up.memory(), u + 4L * i, ORDER);
      x.mul(sigmoid(x)).mul(y).intoMemorySegment(out.memory(), o + 4L * i, ORDER);
    }
    if (i < n) {
      VectorMask<Float> in = F32.indexInRange(i, n);
      FloatVector x = FloatVector.fromMemorySegment(F32, gate.memory(), g + 4L * i, ORDER, in);
      FloatVector y = FloatVector.fromMemorySegment(F32, up.memory(), u + 4L * i, ORDER, in);
      x.mul(sigmoid(x)).mul(y).intoMemorySegment(out.memory(), o + 4L * i, ORDER, in);
    }
  }

  /// With `s = sigmoid(gate)`: `dUp = dOut · gate · s`, `dGate = dOut · up · s · (1 + gate · (1 −
  /// s))`.
  static void backward(
      ThreadTeam team, Matrix dOut, Matrix gate, Matrix up, Matrix dGate, Matrix dUp) {
    int n = gate.columns();
    team.ranges(
        gate.rows(),
        1 + 8192 / Math.max(1, n),
        (from, to) -> {
          for (long row = from; row < to; row++) {
            backwardRow(dOut, gate, up, dGate, dUp, row, n);
          }
        });
  }

  private static void backwardRow(
      Matrix dOut, Matrix gate, Matrix up, Matrix dGate, Matrix dUp, long row, int n) {
    long d = dOut.row(row);
    long g = gate.row(row);
    long u = up.row(row);
    long dg = dGate.row(row);
    long du = dUp.row(row);
    FloatVector one = FloatVector.broadcast(F32, 1);
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector dy = FloatVector.fromMemorySegment(F32, dOut.memory(), d + 4L * i, ORDER);
      FloatVector x = FloatVector.fromMemorySegment(F32, gate.memory(), g + 4L * i, ORDER);
      FloatVector y = FloatVector.fromMemorySegment(F32, up.memory(), u + 4L * i, ORDER);
      FloatVector s = sigmoid(x);
      dy.mul(x.mul(s)).intoMemorySegment(dUp.memory(), du + 4L * i, ORDER);
      dy.mul(y)
          .mul(one.sub(s).fma(x, one).mul(s))
          .intoMemorySegment(dGate.memory(), dg + 4L * i, ORDER);
    }
    if (i < n) {
      VectorMask<Float> in = F32.indexInRange(i, n);
      FloatVector dy = FloatVector.fromMemorySegment(F32, dOut.memory(), d + 4L * i, ORDER, in);
      FloatVector x = FloatVector.fromMemorySegment(F32, gate.memory(), g + 4L * i, ORDER, in);
      FloatVector y = FloatVector.fromMemorySegment(F32, up.memory(), u + 4L * i, ORDER, in);
      FloatVector s = sigmoid(x);
      dy.mul(x.mul(s)).intoMemorySegment(dUp.memory(), du + 4L * i, ORDER, in);
      dy.mul(y)
          .mul(one.sub(s).fma(x, one).mul(s))
          .intoMemorySegment(dGate.memory(), dg + 4L * i, ORDER, in);
    }
  }
}
