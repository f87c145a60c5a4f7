package dev.yushan.backend.testkit;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.Tensor;

/// Causal grouped-query attention over a ragged batch.
final class Attention {
  private Attention() {}

  /// Where key and value rows of a query lie: row of position `i` of its sequence.
  private interface Rows {
    int at(int i);
  }

  /// Queries, keys and values, or their gradients.
  private record Heads(Matrix q, Matrix k, Matrix v) {
    static Heads of(Qkv parts) {
      return new Heads(Matrix.of(parts.q()), Matrix.of(parts.k()), Matrix.of(parts.v()));
    }
  }

  static void attention(
      AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp) {
    Heads heads = Heads.of(in);
    Matrix start = Matrix.vector(sequences);
    Matrix lse = Matrix.of(logSumExp);
    int live = Matrix.live(in.q(), in.k(), in.v(), out, logSumExp);
    for (int s = 0; s + 1 < start.rows(); s++) {
      int first = start.index(s);
      for (int t = first; t < Math.min(start.index(s + 1), live); t++) {
        for (int h = 0; h < shape.heads(); h++) {
          double sum = attend(shape, h, heads, t, i -> first + i, t - first + 1, Matrix.of(out));
          lse.set(t, h, sum);
        }
      }
    }
  }

  static void pagedAttention(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    Heads heads =
        new Heads(Matrix.of(q), Matrix.reading(pages.keys()), Matrix.reading(pages.values()));
    Matrix start = Matrix.vector(sequences);
    Matrix table = Matrix.of(pages.pageTable());
    int length = pages.pageLength();
    int live = Matrix.live(q, positions, out);
    for (int s = 0; s + 1 < start.rows(); s++) {
      int sequence = s;
      Rows rows = i -> table.index(sequence, i / length) * length + i % length;
      for (int t = start.index(s); t < Math.min(start.index(s + 1), live); t++) {
        int visible = Matrix.vector(positions).index(t) + 1;
        for (int h = 0; h < shape.heads(); h++) {
          attend(shape, h, heads, t, rows, visible, Matrix.of(out));
        }
      }
    }
  }

  /// `out = Σ softmax(scale · q·k) v` for one head of row `t`; returns the log of the softmax's
  /// denominator.
  private static double attend(
      AttentionShape shape, int head, Heads in, int t, Rows rows, int visible, Matrix out) {
    int dim = shape.headDim();
    int kvColumn = head * shape.kvHeads() / shape.heads() * dim;
    double[] scores = new double[visible];
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < visible; i++) {
      scores[i] = shape.scale() * dot(in.q, t, head * dim, in.k, rows.at(i), kvColumn, dim);
      largest = Math.max(largest, scores[i]);
    }
    double sum = 0;
    for (int i = 0; i < visible; i++) {
      sum += Math.exp(scores[i] - largest);
    }
    for (int j = 0; j < dim; j++) {
      double value = 0;
      for (int i = 0; i < visible; i++) {
        value += Math.exp(scores[i] - largest) / sum * in.v.get(rows.at(i), kvColumn + j);
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
      Qkv in,
      Tensor out,
      Tensor logSumExp,
      Tensor sequences,
      Qkv gradients) {
    Tensor[] perToken = {
      dOut, in.q(), in.k(), in.v(), out, logSumExp, gradients.q(), gradients.k(), gradients.v()
    };
    int live = Matrix.live(perToken);
    Heads g = Heads.of(gradients);
    clear(g.q, live);
    clear(g.k, live);
    clear(g.v, live);
    Backward pass =
        new Backward(shape, Matrix.of(dOut), Heads.of(in), Matrix.of(out), Matrix.of(logSumExp), g);
    Matrix start = Matrix.vector(sequences);
    for (int s = 0; s + 1 < start.rows(); s++) {
      for (int t = start.index(s); t < Math.min(start.index(s + 1), live); t++) {
        for (int h = 0; h < shape.heads(); h++) {
          pass.query(h, t, start.index(s));
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

  private record Backward(
      AttentionShape shape, Matrix dOut, Heads in, Matrix out, Matrix logSumExp, Heads gradients) {
    /// What query row `t` adds, which sees the keys from row `first` on.
    void query(int head, int t, int first) {
      int dim = shape.headDim();
      double outShare = dot(dOut, t, head * dim, out, t, head * dim, dim);
      for (int i = first; i <= t; i++) {
        pair(head, t, i, outShare);
      }
    }

    /// What the pair of query row `t` and key row `i` adds.
    private void pair(int head, int t, int i, double outShare) {
      int dim = shape.headDim();
      int column = head * dim;
      int kvColumn = head * shape.kvHeads() / shape.heads() * dim;
      double score = shape.scale() * dot(in.q, t, column, in.k, i, kvColumn, dim);
      double p = Math.exp(score - logSumExp.get(t, head));
      double dS = p * (dot(dOut, t, column, in.v, i, kvColumn, dim) - outShare);
      for (int j = 0; j < dim; j++) {
        gradients.q.add(t, column + j, shape.scale() * dS * in.k.get(i, kvColumn + j));
        gradients.k.add(i, kvColumn + j, shape.scale() * dS * in.q.get(t, column + j));
        gradients.v.add(i, kvColumn + j, p * dOut.get(t, column + j));
      }
    }
  }
}
