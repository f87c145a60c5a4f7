package example.naive;

import static example.naive.Vector.live;
import static example.naive.Vector.part;
import static example.naive.Vector.row;
import static example.naive.Vector.sum;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;

/// Causal grouped-query attention, one query and head after the other: the scores of a query
/// against all that it sees, their softmax, and the mean of the values by it.
record NaiveAttention(AttentionShape shape, Qkv in) {
  /// What is done for a head of the query in row `t`, whose sequence begins in row `first`.
  private interface Step {
    void take(int sequence, int first, int t, int head);
  }

  private void each(Tensor sequences, int live, Step step) {
    Vector starts = Vector.all(sequences);
    for (int s = 0; s + 1 < starts.length(); s++) {
      for (int t = starts.index(s); t < Math.min(starts.index(s + 1), live); t++) {
        for (int h = 0; h < shape.heads(); h++) {
          step.take(s, starts.index(s), t, h);
        }
      }
    }
  }

  private Vector query(Tensor queries, int t, int head) {
    return part(queries, t * shape.heads() + head, shape.headDim());
  }

  /// The key, or value, that a head of a query reads.
  private Vector key(Tensor keys, int row, int head) {
    int group = head * shape.kvHeads() / shape.heads();
    return part(keys, row * shape.kvHeads() + group, shape.headDim());
  }

  private double score(int t, int row, int head) {
    return shape.scale() * query(in.q(), t, head).dot(key(in.k(), row, head));
  }

  void forward(Tensor sequences, Tensor out, Tensor logSumExp) {
    each(
        sequences,
        live(in.q(), in.k(), in.v(), out, logSumExp),
        (_, first, t, h) ->
            row(logSumExp, t).set(h, attend(t, h, t - first + 1, i -> first + i, out)));
  }

  void paged(KvPages.Layer pages, Tensor sequences, Tensor positions, Tensor out) {
    int length = pages.pageLength();
    each(
        sequences,
        live(in.q(), positions, out),
        (s, _, t, h) -> {
          Vector page = row(pages.pageTable(), s);
          int visible = row(positions, t).index(0) + 1;
          attend(t, h, visible, i -> page.index(i / length) * length + i % length, out);
        });
  }

  /// Returns the log of the sum of the exponentials.
  ///
  /// @param row where the key and value of each of the `visible` positions are
  private double attend(int t, int head, int visible, IntUnaryOperator row, Tensor out) {
    double[] p = new double[visible];
    Arrays.setAll(p, i -> score(t, row.applyAsInt(i), head));
    double logSumExp = Vector.logSumExp(visible, i -> p[i]);
    Arrays.setAll(p, i -> Math.exp(p[i] - logSumExp));
    Vector[] values = new Vector[visible];
    Arrays.setAll(values, i -> key(in.v(), row.applyAsInt(i), head));
    query(out, t, head).fill(j -> sum(visible, i -> p[i] * values[i].get(j)));
    return logSumExp;
  }

  void backward(Tensor dOut, Tensor out, Tensor logSumExp, Tensor sequences, Qkv to) {
    int live = live(dOut, in.q(), in.k(), in.v(), out, logSumExp, to.q(), to.k(), to.v());
    for (Tensor gradient : List.of(to.q(), to.k(), to.v())) {
      for (int i = 0; i < live; i++) {
        row(gradient, i).fill(_ -> 0);
      }
    }
    each(
        sequences,
        live,
        (_, first, t, h) -> {
          Vector d = query(dOut, t, h);
          double share = d.dot(query(out, t, h));
          pull(first, t, h, d, share, row(logSumExp, t).get(h), to);
        });
  }

  /// With `p` the weight of key i for query t, `dS = p · (dOut·v − dOut·out)`: `dQ += dS k`, `dK +=
  /// dS q`, both scaled, and `dV += p dOut`.
  private void pull(int first, int t, int head, Vector dOut, double share, double lse, Qkv to) {
    Vector q = query(in.q(), t, head);
    for (int i = first; i <= t; i++) {
      Vector k = key(in.k(), i, head);
      double p = Math.exp(score(t, i, head) - lse);
      double dS = shape.scale() * p * (dOut.dot(key(in.v(), i, head)) - share);
      query(to.q(), t, head).add(j -> dS * k.get(j));
      key(to.k(), i, head).add(j -> dS * q.get(j));
      key(to.v(), i, head).add(j -> p * dOut.get(j));
    }
  }
}
