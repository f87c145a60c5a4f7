package dev.yushan.backend.testkit;

import dev.yushan.backend.AttentionShape;

/// How far F32 attention may be from the exact one: its formulas with magnitudes in place of
/// values.
final class AttentionBounds {
  private final AttentionShape shape;
  private final int[] sequences;
  private final Operand q;
  private final Operand k;
  private final Operand v;

  /// Relative error of a probability: that of the worst score.
  private final double relative;

  private final double largestScore;

  /// Magnitudes of the results, laid out as these.
  final double[] out;

  final double[] dQ;
  final double[] dK;
  final double[] dV;

  AttentionBounds(AttentionShape shape, int[] sequences, Operand q, Operand k, Operand v) {
    this.shape = shape;
    this.sequences = sequences;
    this.q = q;
    this.k = k;
    this.v = v;
    this.out = new double[q.rows * q.columns];
    this.dQ = new double[q.rows * q.columns];
    this.dK = new double[k.rows * k.columns];
    this.dV = new double[k.rows * k.columns];
    double largest = 0;
    for (int s = 0; s + 1 < sequences.length; s++) {
      for (int t = sequences[s]; t < sequences[s + 1]; t++) {
        for (int i = sequences[s]; i <= t; i++) {
          for (int h = 0; h < shape.heads(); h++) {
            largest = Math.max(largest, score(t, i, h, true));
          }
        }
      }
    }
    largestScore = largest;
    double dot = largest * (Tolerance.sum(shape.headDim()) + Tolerance.few(2));
    relative = 2 * Tolerance.exp(dot) + Tolerance.sum(q.rows) + Tolerance.few(4);
  }

  private int kvColumn(int head) {
    return head * shape.kvHeads() / shape.heads() * shape.headDim();
  }

  private double score(int t, int i, int head, boolean magnitude) {
    double sum = 0;
    for (int j = 0; j < shape.headDim(); j++) {
      double term = q.value(t, head * shape.headDim() + j) * k.value(i, kvColumn(head) + j);
      sum += magnitude ? Math.abs(term) : term;
    }
    return shape.scale() * sum;
  }

  /// Fills [#out] with `Σ p |v|`.
  AttentionBounds forward(double[] logSumExp) {
    pairs(
        logSumExp,
        (t, i, h, p) -> {
          for (int j = 0; j < shape.headDim(); j++) {
            int column = h * shape.headDim() + j;
            out[t * q.columns + column] += p * Math.abs(v.value(i, kvColumn(h) + j));
          }
        });
    return this;
  }

  /// Fills the gradients: `dS = p (|dOut·v| + |dOut·out|)` and so on.
  AttentionBounds backward(double[] logSumExp, Operand dOut, Operand outValues) {
    pairs(
        logSumExp,
        (t, i, h, p) -> {
          double share = 0;
          for (int j = 0; j < shape.headDim(); j++) {
            int column = h * shape.headDim() + j;
            double v1 = Math.abs(v.value(i, kvColumn(h) + j));
            share += Math.abs(dOut.value(t, column)) * (v1 + Math.abs(outValues.value(t, column)));
          }
          double dS = p * share * shape.scale();
          for (int j = 0; j < shape.headDim(); j++) {
            int column = h * shape.headDim() + j;
            int kv = i * k.columns + kvColumn(h) + j;
            dQ[t * q.columns + column] += dS * Math.abs(k.values()[kv]);
            dK[kv] += dS * Math.abs(q.value(t, column));
            dV[kv] += p * Math.abs(dOut.value(t, column));
          }
        });
    return this;
  }

  private interface Pair {
    void add(int t, int i, int head, double p);
  }

  private void pairs(double[] logSumExp, Pair pair) {
    for (int s = 0; s + 1 < sequences.length; s++) {
      for (int t = sequences[s]; t < sequences[s + 1]; t++) {
        for (int i = sequences[s]; i <= t; i++) {
          for (int h = 0; h < shape.heads(); h++) {
            double score = score(t, i, h, false);
            pair.add(t, i, h, Math.exp(score - logSumExp[t * shape.heads() + h]));
          }
        }
      }
    }
  }

  /// Of an output, given its magnitude.
  double output(double magnitude) {
    return relative * magnitude;
  }

  /// Of a gradient, whose sums run over the head or a few times over the keys.
  double gradient(double magnitude) {
    return (2 * relative + Tolerance.sum(shape.headDim())) * magnitude;
  }

  double logSumExp(double value) {
    return relative + Tolerance.few(2) * (Math.abs(value) + largestScore);
  }
}
