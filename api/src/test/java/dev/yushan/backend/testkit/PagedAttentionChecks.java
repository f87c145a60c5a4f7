package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Operand.Kind.FIXED;
import static dev.yushan.backend.testkit.Operand.Kind.TOKENS;
import static dev.yushan.backend.testkit.Operand.Kind.TOKEN_COLUMNS;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Feature;
import dev.yushan.backend.KvPages;
import dev.yushan.backend.Qkv;
import dev.yushan.backend.testkit.Trial.Call;
import dev.yushan.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Checks of `pagedAttention`.
final class PagedAttentionChecks {
  private PagedAttentionChecks() {}

  static List<Check> all() {
    List<Check> checks = new ArrayList<>();
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
      checks.add(
          Check.of(
                  "pagedAttention",
                  dtype + " pages",
                  Feature.PAGED_ATTENTION,
                  trial -> values(trial, dtype))
              .with(dtype));
    }
    checks.add(
        Check.of(
            "pagedAttention",
            "has the bits of attention, whole or in chunks",
            Feature.PAGED_ATTENTION,
            PagedAttentionChecks::bits));
    return checks;
  }

  /// Sequences of `lengths` tokens, of which the last `queries` of each are in the batch.
  private record Paged(AttentionShape shape, int pageLength, int[] lengths, int[] queries) {
    int pagesPerSequence() {
      return (Arrays.stream(lengths).max().orElseThrow() + pageLength - 1) / pageLength;
    }

    int[] starts() {
      int[] starts = new int[queries.length + 1];
      for (int s = 0; s < queries.length; s++) {
        starts[s + 1] = starts[s] + queries[s];
      }
      return starts;
    }

    int[] positions() {
      List<Integer> positions = new ArrayList<>();
      for (int s = 0; s < queries.length; s++) {
        for (int p = lengths[s] - queries[s]; p < lengths[s]; p++) {
          positions.add(p);
        }
      }
      return positions.stream().mapToInt(i -> i).toArray();
    }
  }

  /// Pages in a drawn order, of which every sequence has its own; the unused ends of its row point
  /// nowhere.
  private static int[] pageTable(Trial trial, Paged paged) {
    int each = paged.pagesPerSequence();
    int pages = paged.lengths.length * each;
    int[] order = new int[pages];
    for (int i = 0; i < pages; i++) {
      int j = trial.random().nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    for (int s = 0; s < paged.lengths.length; s++) {
      int used = (paged.lengths[s] + paged.pageLength - 1) / paged.pageLength;
      Arrays.fill(order, s * each + used, (s + 1) * each, -1);
    }
    return order;
  }

  private static double[] pages(Trial trial, Paged paged, int[] table) {
    int columns = paged.shape.kvColumns();
    int each = paged.pagesPerSequence();
    double[] values =
        trial.draw(paged.lengths.length * each * paged.pageLength * columns, () -> Double.NaN);
    for (int s = 0; s < paged.lengths.length; s++) {
      for (int p = 0; p < paged.lengths[s]; p++) {
        for (int j = 0; j < columns; j++) {
          values[row(paged, table, s, p) * columns + j] = (float) trial.random().nextGaussian();
        }
      }
    }
    return values;
  }

  private static int row(Paged paged, int[] table, int sequence, int position) {
    int page = table[sequence * paged.pagesPerSequence() + position / paged.pageLength];
    return page * paged.pageLength + position % paged.pageLength;
  }

  private record Operands(Operand q, Operand keys, Operand values, Operand out, Call call) {}

  private static Operands operands(
      Trial trial, DType dtype, Paged paged, int[] table, double[] k, double[] v, double[] q) {
    AttentionShape shape = paged.shape;
    int rows = k.length / shape.kvColumns();
    int[] positions = paged.positions();
    Operand queries = trial.real("q", TOKEN_COLUMNS, positions.length, shape.queryColumns(), q);
    Operand keys = trial.operand("keys", dtype, FIXED, rows, shape.kvColumns(), k);
    Operand values = trial.operand("values", dtype, FIXED, rows, shape.kvColumns(), v);
    double[] entries = Arrays.stream(table).asDoubleStream().toArray();
    Operand pageTable =
        trial.operand(
            "pageTable", DType.I32, FIXED, paged.lengths.length, paged.pagesPerSequence(), entries);
    Operand sequences = trial.ints("sequences", FIXED, paged.starts());
    Operand at = trial.ints("positions", TOKENS, positions);
    Operand out = trial.output("out", TOKEN_COLUMNS, positions.length, shape.queryColumns());
    Call call =
        (kernels, of) ->
            kernels.pagedAttention(
                shape,
                of.it(queries),
                new KvPages.Layer(of.it(keys), of.it(values), of.it(pageTable), paged.pageLength),
                of.it(sequences),
                of.it(at),
                of.it(out));
    return new Operands(queries, keys, values, out, call);
  }

  private static void values(Trial trial, DType dtype) {
    List<Paged> cases =
        List.of(
            new Paged(AttentionShape.of(2, 1, 16), 16, new int[] {1, 37, 16}, new int[] {1, 5, 16}),
            new Paged(AttentionShape.of(4, 2, 6), 5, new int[] {23, 10}, new int[] {23, 1}),
            new Paged(AttentionShape.of(3, 3, 64), 1, new int[] {9, 3, 3}, new int[] {2, 0, 3}),
            new Paged(AttentionShape.of(8, 2, 128), 16, new int[] {67}, new int[] {1}),
            new Paged(AttentionShape.of(2, 2, 4), 16, new int[] {1023, 515}, new int[] {2, 1}));
    for (int i = 0; i < cases.size(); i++) {
      Paged paged = cases.get(i);
      trial.begin(Layout.turn(i), "pagedAttention %s of %s", dtype, paged.shape);
      int[] table = pageTable(trial, paged);
      double[] k = pages(trial, paged, table);
      double[] v = pages(trial, paged, table);
      int tokens = paged.positions().length;
      double[] q = trial.normal(tokens * paged.shape.queryColumns());
      Operands o = operands(trial, dtype, paged, table, k, v, q);
      trial.run(o.call, o.out);
      double largest = largest(q, paged) * largest(o.keys.values(), paged) * paged.shape.scale();
      double mass = largest(o.values.values(), paged);
      double score = largest * (Tolerance.sum(paged.shape.headDim()) + Tolerance.few(2));
      double bound = (2 * Tolerance.exp(score) + Tolerance.sum(64) + Tolerance.few(4)) * mass;
      trial.close(o.out, j -> bound);
    }
  }

  /// The largest Euclidean norm of a head among `values`, NaN left out.
  private static double largest(double[] values, Paged paged) {
    int dim = paged.shape.headDim();
    double largest = 0;
    for (int i = 0; i < values.length; i += dim) {
      double squares = 0;
      for (int j = i; j < i + dim; j++) {
        squares += values[j] * values[j];
      }
      largest = squares > largest ? squares : largest;
    }
    return Math.sqrt(largest);
  }

  private static void bits(Trial trial) {
    AttentionShape shape = AttentionShape.of(4, 2, 16);
    int[] lengths = {1, 67, 130, 17};
    Paged whole = new Paged(shape, 16, lengths, lengths);
    trial.begin(Layout.PLAIN, "attention %s against pages", shape);
    int[] table = pageTable(trial, whole);
    double[] k = pages(trial, whole, table);
    double[] v = pages(trial, whole, table);
    double[] q = trial.normal(whole.positions().length * shape.queryColumns());
    double[] expected = unpaged(trial, whole, table, k, v, q);
    for (int chunk : new int[] {1000, 33, 16, 1}) {
      int[] queries = Arrays.stream(lengths).map(n -> Math.min(n, chunk)).toArray();
      Paged paged = new Paged(shape, 16, lengths, queries);
      trial.begin(Layout.COLUMNS, "pagedAttention %s, last %d tokens", shape, chunk);
      double[] lastQ = last(q, whole, paged);
      Operands o = operands(trial, DType.F32, paged, table, k, v, lastQ);
      trial.runUnreferenced(o.call, o.out);
      trial.sameBits("paged", o.out, last(expected, whole, paged), o.out.actual());
    }
  }

  private static double[] unpaged(
      Trial trial, Paged paged, int[] table, double[] k, double[] v, double[] q) {
    AttentionShape shape = paged.shape;
    int tokens = paged.positions().length;
    Operand queries = trial.real("q", TOKENS, tokens, shape.queryColumns(), q);
    Operand keys = trial.real("k", TOKENS, tokens, shape.kvColumns(), inOrder(paged, table, k));
    Operand values = trial.real("v", TOKENS, tokens, shape.kvColumns(), inOrder(paged, table, v));
    Operand sequences = trial.ints("sequences", FIXED, paged.starts());
    Operand out = trial.output("out", TOKENS, tokens, shape.queryColumns());
    Operand lse = trial.output("logSumExp", TOKENS, tokens, shape.heads());
    trial.runUnreferenced(
        (kernels, of) ->
            kernels.attention(
                shape,
                new Qkv(of.it(queries), of.it(keys), of.it(values)),
                of.it(sequences),
                of.it(out),
                of.it(lse)),
        out,
        lse);
    return out.actual();
  }

  private static double[] inOrder(Paged paged, int[] table, double[] pages) {
    int columns = paged.shape.kvColumns();
    double[] values = new double[paged.positions().length * columns];
    int at = 0;
    for (int s = 0; s < paged.lengths.length; s++) {
      for (int p = 0; p < paged.lengths[s]; p++) {
        System.arraycopy(pages, row(paged, table, s, p) * columns, values, at, columns);
        at += columns;
      }
    }
    return values;
  }

  /// The rows of the queries of `part`, out of those of `whole`.
  private static double[] last(double[] values, Paged whole, Paged part) {
    int columns = part.shape.queryColumns();
    double[] rows = new double[part.positions().length * columns];
    int at = 0;
    for (int s = 0; s < part.lengths.length; s++) {
      int from = (whole.starts()[s + 1] - part.queries[s]) * columns;
      System.arraycopy(values, from, rows, at, part.queries[s] * columns);
      at += part.queries[s] * columns;
    }
    return rows;
  }
}
