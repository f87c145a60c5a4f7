package dev.yushan.backend.testkit;

import dev.yushan.tensor.Tensor;

/// The gated activation of the feed-forward layer, and the loss.
final class Activation {
  private static final int IGNORED = -100;

  private Activation() {}

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  static void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Matrix g = Matrix.of(gate);
    Matrix u = Matrix.of(up);
    Matrix o = Matrix.of(out);
    for (int i = 0; i < Matrix.live(gate, up, out); i++) {
      for (int j = 0; j < o.columns(); j++) {
        o.set(i, j, g.get(i, j) * sigmoid(g.get(i, j)) * u.get(i, j));
      }
    }
  }

  /// With s = sigmoid(gate): `dUp = dOut · gate · s`, `dGate = dOut · up · s · (1 + gate · (1 −
  /// s))`.
  static void swiGluBackward(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    Matrix d = Matrix.of(dOut);
    Matrix g = Matrix.of(gate);
    Matrix u = Matrix.of(up);
    Matrix dG = Matrix.of(dGate);
    Matrix dU = Matrix.of(dUp);
    for (int i = 0; i < Matrix.live(dOut, gate, up, dGate, dUp); i++) {
      for (int j = 0; j < d.columns(); j++) {
        double x = g.get(i, j);
        double s = sigmoid(x);
        dG.set(i, j, d.get(i, j) * u.get(i, j) * s * (1 + x * (1 - s)));
        dU.set(i, j, d.get(i, j) * x * s);
      }
    }
  }

  /// `nll = log Σ exp(logits) − logits[target]`, and the logits become its gradient.
  static void crossEntropy(Tensor logits, Tensor targets, Tensor scale, Tensor nll) {
    Matrix x = Matrix.of(logits);
    Matrix target = Matrix.vector(targets);
    Matrix loss = Matrix.vector(nll);
    double factor = Matrix.vector(scale).get(0);
    for (int i = 0; i < Matrix.live(logits, targets, nll); i++) {
      boolean ignored = target.index(i) == IGNORED;
      double logSum = logSumExp(x, i);
      loss.set(i, ignored ? 0 : logSum - x.get(i, target.index(i)));
      for (int j = 0; j < x.columns(); j++) {
        double p = Math.exp(x.get(i, j) - logSum);
        x.set(i, j, ignored ? 0 : factor * (j == target.index(i) ? p - 1 : p));
      }
    }
  }

  private static double logSumExp(Matrix x, int row) {
    double largest = Double.NEGATIVE_INFINITY;
    for (int j = 0; j < x.columns(); j++) {
      largest = Math.max(largest, x.get(row, j));
    }
    double sum = 0;
    for (int j = 0; j < x.columns(); j++) {
      sum += Math.exp(x.get(row, j) - largest);
    }
    return largest + Math.log(sum);
  }
}
