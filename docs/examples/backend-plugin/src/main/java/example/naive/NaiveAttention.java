package example.naive;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.Tensor;
import java.util.function.IntUnaryOperator;

/// Causal grouped-query attention, one query and head after the other: the scores of a query
/// against all that it sees, their softmax, and the mean of the values by it.
///
/// @param q queries, or their gradients; `k` and `v` likewise
record NaiveAttention(AttentionShape shape, Grid q, Grid k, Grid v) {
  private static NaiveAttention of(AttentionShape shape, Qkv in) {
    return new NaiveAttention(shape, Grid.of(in.q()), Grid.of(in.k()), Grid.of(in.v()));
  }

  static void forward(
      AttentionShape shape, Qkv in, Tensor sequences, Tensor out, Tensor logSumExp) {
    NaiveAttention heads = of(shape, in);
    Grid starts = Grid.row(sequences);
    int live = Grid.live(in.q(), in.k(), in.v(), out, logSumExp);
    for (int s = 0; s + 1 < starts.columns(); s++) {
      int first = starts.index(0, s);
      for (int t = first; t < Math.min(starts.index(0, s + 1), live); t++) {
        for (int h = 0; h < shape.heads(); h++) {
          double sum = heads.attend(h, t, t - first + 1, i -> first + i, Grid.of(out));
          Grid.of(logSumExp).set(t, h, sum);
        }
      }
    }
  }

  static void paged(
      AttentionShape shape,
      Tensor q,
      KvPages.Layer pages,
      Tensor sequences,
      Tensor positions,
      Tensor out) {
    NaiveAttention heads = of(shape, new Qkv(q, pages.keys(), pages.values()));
    Grid starts = Grid.row(sequences);
    Grid table = Grid.of(pages.pageTable());
    int length = pages.pageLength();
    for (int s = 0; s + 1 < starts.columns(); s++) {
      int sequence = s;
      IntUnaryOperator row = i -> table.index(sequence, i / length) * length + i % length;
      int end = Math.min(starts.index(0, s + 1), Grid.live(q, positions, out));
      for (int t = starts.index(0, s); t < end; t++) {
        for (int h = 0; h < shape.heads(); h++) {
          heads.attend(h, t, Grid.row(positions).index(0, t) + 1, row, Grid.of(out));
        }
      }
    }
  }

  /// First column of the key and value head that a query head reads.
  private int kvColumn(int head) {
    return head * shape.kvHeads() / shape.heads() * shape.headDim();
  }

  private double score(int head, int t, int keyRow) {
    return shape.scale() * dot(q, t, head * shape.headDim(), k, keyRow, kvColumn(head));
  }

  private double dot(Grid a, int row, int column, Grid b, int otherRow, int otherColumn) {
    double sum = 0;
    for (int j = 0; j < shape.headDim(); j++) {
      sum += (double) a.get(row, column + j) * b.get(otherRow, otherColumn + j);
    }
    return sum;
  }

  /// Returns the log of the sum of the exponentials.
  private double attend(int head, int t, int visible, IntUnaryOperator row, Grid out) {
    double[] weight = new double[visible];
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < visible; i++) {
      weight[i] = score(head, t, row.applyAsInt(i));
      largest = Math.max(largest, weight[i]);
    }
    double sum = 0;
    for (int i = 0; i < visible; i++) {
      weight[i] = Math.exp(weight[i] - largest);
      sum += weight[i];
    }
    for (int j = 0; j < shape.headDim(); j++) {
      double mean = 0;
      for (int i = 0; i < visible; i++) {
        mean += weight[i] / sum * v.get(row.applyAsInt(i), kvColumn(head) + j);
      }
      out.set(t, head * shape.headDim() + j, mean);
    }
    return largest + Math.log(sum);
  }

  /// With `p` the weight of key i for query t, `dS = p · (dOut·v − dOut·out)`: `dQ += dS k`, `dK +=
  /// dS q`, both scaled, and `dV += p dOut`.
  static void backward(
      AttentionShape shape,
      Tensor dOut,
      Qkv in,
      Tensor out,
      Tensor logSumExp,
      Tensor sequences,
      Qkv gradients) {
    NaiveAttention heads = of(shape, in);
    NaiveAttention to = of(shape, gradients);
    int live = Grid.live(dOut, in.q(), in.k(), in.v(), out, logSumExp);
    live = Math.min(live, Grid.live(gradients.q(), gradients.k(), gradients.v()));
    for (Grid grid : new Grid[] {to.q, to.k, to.v}) {
      for (int i = 0; i < live * grid.columns(); i++) {
        grid.set(i / grid.columns(), i % grid.columns(), 0);
      }
    }
    Grid starts = Grid.row(sequences);
    for (int s = 0; s + 1 < starts.columns(); s++) {
      for (int t = starts.index(0, s); t < Math.min(starts.index(0, s + 1), live); t++) {
        for (int h = 0; h < shape.heads(); h++) {
          heads.pull(h, t, starts.index(0, s), Grid.of(dOut), Grid.of(out), Grid.of(logSumExp), to);
        }
      }
    }
  }

  private void pull(int head, int t, int first, Grid dOut, Grid out, Grid lse, NaiveAttention to) {
    int dim = shape.headDim();
    int column = head * dim;
    double share = dot(dOut, t, column, out, t, column);
    for (int i = first; i <= t; i++) {
      double p = Math.exp(score(head, t, i) - lse.get(t, head));
      double dS = shape.scale() * p * (dot(dOut, t, column, v, i, kvColumn(head)) - share);
      for (int j = 0; j < dim; j++) {
        to.q.add(t, column + j, dS * k.get(i, kvColumn(head) + j));
        to.k.add(i, kvColumn(head) + j, dS * q.get(t, column + j));
        to.v.add(i, kvColumn(head) + j, p * dOut.get(t, column + j));
      }
    }
  }
}
