package dev.yushan.backend.testkit;

import dev.yushan.backend.AttentionShape;
import dev.yushan.tensor.Tensor;

/// Causal grouped-query attention over a ragged batch.
final class Attention {
  private Attention() {}

  /// Where key and value rows of a query lie: row of position `i` of its sequence.
  private interface Rows {
    int at(int i);
  }

  static void attention(
      AttentionShape shape,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor sequences,
      Tensor out,
      Tensor logSumExp) {
    Matrix start = Matrix.vector(sequences);
    Matrix lse = Matrix.of(logSumExp);
    int live = Matrix.live(q, k, v, out, logSumExp);
    for (int s = 0; s + 1 < start.rows(); s++) {
      int first = start.index(s);
      for (int t = first; t < Math.min(start.index(s + 1), live); t++) {
        for (int h = 0; h < shape.heads(); h++) {
          lse.set(
              t,
              h,
              attend(
                  shape,
                  h,
                  Matrix.of(q),
                  t,
                  Matrix.of(k),
                  Matrix.of(v),
                  i -> first + i,
                  t - first + 1,
                  Matrix.of(out)));
        }
      }
    }
  }

  static void pagedAttention(
      AttentionShape shape,
      Tensor q,
      Tensor keys,
      Tensor values,
      Tensor pageTable,
      int pageLength,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    Matrix start = Matrix.vector(sequences);
    Matrix k = Matrix.reading(keys);
    Matrix v = Matrix.reading(values);
    Matrix pages = Matrix.of(pageTable);
    int live = Matrix.live(q, positions, out);
    for (int s = 0; s + 1 < start.rows(); s++) {
      int sequence = s;
      Rows rows = i -> pages.index(sequence, i / pageLength) * pageLength + i % pageLength;
      for (int t = start.index(s); t < Math.min(start.index(s + 1), live); t++) {
        int visible = Matrix.vector(positions).index(t) + 1;
        for (int h = 0; h < shape.heads(); h++) {
          attend(shape, h, Matrix.of(q), t, k, v, rows, visible, Matrix.of(out));
        }
      }
    }
  }

  /// `out = Σ softmax(scale · q·k) v` for one head of row `t`; returns the log of the softmax's
  /// denominator.
  private static double attend(
      AttentionShape shape,
      int head,
      Matrix q,
      int t,
      Matrix k,
      Matrix v,
      Rows rows,
      int visible,
      Matrix out) {
    int dim = shape.headDim();
    int kvColumn = head * shape.kvHeads() / shape.heads() * dim;
    double[] scores = new double[visible];
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < visible; i++) {
      scores[i] = shape.scale() * dot(q, t, head * dim, k, rows.at(i), kvColumn, dim);
      largest = Math.max(largest, scores[i]);
    }
    double sum = 0;
    for (int i = 0; i < visible; i++) {
      sum += Math.exp(scores[i] - largest);
    }
    for (int j = 0; j < dim; j++) {
      double value = 0;
      for (int i = 0; i < visible; i++) {
        value += Math.exp(scores[i] - largest) / sum * v.get(rows.at(i), kvColumn + j);
      }
      out.set(t, head * dim + j, value);
    }
    return largest + Math.log(sum);
  }

  private static double dot(Matrix a, int i, int column, Matrix b, int j, int bColumn, int length) {
    double sum = 0;
    for (int p = 0; p < length; p++) {
      sum += a.get(i, column + p) * b.get(j, bColumn + p);
    }
    return sum;
  }

  /// With probabilities `p = exp(scale · q·k − logSumExp)` and `dS = p · (dOut·v − dOut·out)`: `dQ
  /// = scale · Σ dS k`, `dK = scale · Σ dS q`, `dV = Σ p dOut`.
  static void attentionBackward(
      AttentionShape shape,
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      Tensor sequences,
      Tensor dQ,
      Tensor dK,
      Tensor dV) {
    Gradients g =
        new Gradients(
            shape,
            Matrix.of(dOut),
            Matrix.of(q),
            Matrix.of(k),
            Matrix.of(v),
            Matrix.of(out),
            Matrix.of(logSumExp),
            Matrix.of(dQ),
            Matrix.of(dK),
            Matrix.of(dV));
    int live = Matrix.live(dOut, q, k, v, out, logSumExp, dQ, dK, dV);
    clear(g.dQ, live);
    clear(g.dK, live);
    clear(g.dV, live);
    Matrix start = Matrix.vector(sequences);
    for (int s = 0; s + 1 < start.rows(); s++) {
      for (int t = start.index(s); t < Math.min(start.index(s + 1), live); t++) {
        for (int h = 0; h < shape.heads(); h++) {
          double outShare =
              dot(g.dOut, t, h * shape.headDim(), g.out, t, h * shape.headDim(), shape.headDim());
          for (int i = start.index(s); i <= t; i++) {
            g.pair(h, t, i, outShare);
          }
        }
      }
    }
  }

  private static void clear(Matrix matrix, int rows) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < matrix.columns(); j++) {
        matrix.set(i, j, 0);
      }
    }
  }

  private record Gradients(
      AttentionShape shape,
      Matrix dOut,
      Matrix q,
      Matrix k,
      Matrix v,
      Matrix out,
      Matrix logSumExp,
      Matrix dQ,
      Matrix dK,
      Matrix dV) {
    /// What the pair of query row `t` and key row `i` adds.
    void pair(int head, int t, int i, double outShare) {
      int dim = shape.headDim();
      int column = head * dim;
      int kvColumn = head * shape.kvHeads() / shape.heads() * dim;
      double score = shape.scale() * dot(q, t, column, k, i, kvColumn, dim);
      double p = Math.exp(score - logSumExp.get(t, head));
      double dS = p * (dot(dOut, t, column, v, i, kvColumn, dim) - outShare);
      for (int j = 0; j < dim; j++) {
        dQ.add(t, column + j, shape.scale() * dS * k.get(i, kvColumn + j));
        dK.add(i, kvColumn + j, shape.scale() * dS * q.get(t, column + j));
        dV.add(i, kvColumn + j, p * dOut.get(t, column + j));
      }
    }
  }
}
