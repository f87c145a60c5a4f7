package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Operand.Kind.FIXED;
import static dev.yushan.backend.testkit.Operand.Kind.TOKENS;
import static dev.yushan.backend.testkit.Operand.Kind.TOKEN_COLUMNS;

import dev.yushan.backend.Feature;
import dev.yushan.backend.testkit.Trial.Call;
import dev.yushan.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Checks of `gather`, `scatterAdd`, `scatter` and `copy`.
final class RowChecks {
  private RowChecks() {}

  static List<Check> all() {
    List<Check> checks = new ArrayList<>();
    for (DType dtype : DType.values()) {
      if (dtype.real()) {
        checks.add(check("gather", "from " + dtype, dtype, trial -> gather(trial, dtype)));
      }
      if (dtype.real() && !dtype.quantised()) {
        checks.add(scatterCheck(dtype));
      }
    }
    checks.add(
        Check.of("gather", "is the adjoint of scatterAdd", Feature.TRAINING, RowChecks::adjoint));
    checks.add(Check.of("gather", "keeps NaN and infinity", RowChecks::gatherSpecial));
    checks.add(
        Check.of("scatterAdd", "adds all, equal ids too", Feature.TRAINING, RowChecks::scatterAdd));
    for (DType other : DType.values()) {
      if (other.real()) {
        checks.add(check("copy", "F32 to " + other, other, t -> copy(t, DType.F32, other)));
        checks.add(check("copy", other + " to F32", other, t -> copy(t, other, DType.F32)));
      }
    }
    checks.add(check("copy", "F16 to BF16", DType.F16, t -> copy(t, DType.F16, DType.BF16)));
    checks.add(
        check("copy", "BF16 to Q8_0", DType.Q8_0, t -> copy(t, DType.BF16, DType.Q8_0))
            .with(DType.BF16));
    checks.add(Check.of("copy", "of integers", t -> copy(t, DType.I32, DType.I32)));
    checks.add(check("copy", "rounds ties to even", DType.BF16, RowChecks::ties));
    return checks;
  }

  /// A check that needs what `dtype` needs.
  static Check check(String op, String name, DType dtype, java.util.function.Consumer<Trial> body) {
    return Check.of(op, name, body).with(dtype);
  }

  private static Check scatterCheck(DType dtype) {
    String name = "into " + dtype;
    return Check.of("scatter", name, Feature.PAGED_ATTENTION, t -> scatter(t, dtype)).with(dtype);
  }

  private static int columns(Trial trial, DType dtype, int limit) {
    return dtype.quantised() ? 32 * (1 + trial.random().nextInt(limit / 32)) : trial.size(limit);
  }

  private static int[] ids(Trial trial, int n, int limit) {
    int[] ids = trial.random().ints(n, 0, limit).toArray();
    ids[n - 1] = limit - 1;
    return ids;
  }

  private static void gather(Trial trial, DType dtype) {
    for (int i = 0; i < 6; i++) {
      gather(
          trial,
          dtype,
          Layout.turn(i),
          trial.size(300),
          trial.size(33),
          columns(trial, dtype, 131));
    }
    gather(trial, dtype, Layout.PLAIN, 128_256, 5, dtype.blockLength());
    gather(trial, dtype, Layout.COUNTED, 3, 4, 3072);
    gather(trial, dtype, Layout.UNALIGNED, 2, 3, 8192);
  }

  private static void gather(
      Trial trial, DType dtype, Layout layout, int vocabulary, int tokens, int columns) {
    trial.begin(layout, "gather from %s [%d, %d], %d ids", dtype, vocabulary, columns, tokens);
    double[] values = trial.normal(vocabulary * columns);
    Operand table = trial.operand("table", dtype, FIXED, vocabulary, columns, values);
    Operand ids = trial.ints("ids", TOKENS, ids(trial, tokens, vocabulary));
    Operand out = trial.output("out", TOKENS, tokens, columns);
    Call call = (k, of) -> k.gather(of.it(table), of.it(ids), of.it(out));
    trial.run(call, out);
    trial.exact(out);
    trial.rowsAlone(call, out);
  }

  private static void gatherSpecial(Trial trial) {
    trial.begin(Layout.PLAIN, "gather of special values");
    double[] special = {Double.NaN, Double.POSITIVE_INFINITY, 0x1p-149, -0.0, Float.MAX_VALUE, 1};
    Operand table = trial.real("table", FIXED, 2, 3, special);
    Operand ids = trial.ints("ids", TOKENS, 1, 0, 1);
    Operand out = trial.output("out", TOKENS, 3, 3);
    trial.run((k, of) -> k.gather(of.it(table), of.it(ids), of.it(out)), out);
    trial.exact(out);
  }

  private static void scatterAdd(Trial trial) {
    for (int i = 0; i < 6; i++) {
      scatterAdd(trial, Layout.turn(i), trial.size(131), trial.size(300), trial.size(131));
    }
    scatterAdd(trial, Layout.PLAIN, 128_256, 7, 1);
    scatterAdd(trial, Layout.COUNTED, 3, 11, 3072);
    scatterAdd(trial, Layout.UNALIGNED, 1, 5, 8192);
  }

  private static void scatterAdd(
      Trial trial, Layout layout, int vocabulary, int tokens, int columns) {
    trial.begin(layout, "scatterAdd to [%d, %d], %d ids", vocabulary, columns, tokens);
    Operand table = trial.real("table", FIXED, vocabulary, columns);
    Operand rows = trial.real("rows", TOKENS, tokens, columns);
    Operand ids = trial.ints("ids", TOKENS, ids(trial, tokens, vocabulary));
    trial.run((k, of) -> k.scatterAdd(of.it(rows), of.it(ids), of.it(table)), table);
    double[] magnitude = table.values().clone();
    int[] terms = new int[vocabulary];
    for (int t = 0; t < tokens; t++) {
      int id = (int) ids.value(t, 0);
      terms[id]++;
      for (int j = 0; j < columns; j++) {
        int at = id * columns + j;
        magnitude[at] = Math.abs(magnitude[at]) + Math.abs(rows.value(t, j));
      }
    }
    trial.close(
        table,
        i ->
            terms[i / columns] == 0
                ? 0
                : Tolerance.sum(terms[i / columns]) * Math.abs(magnitude[i]));
  }

  private static void adjoint(Trial trial) {
    for (int i = 0; i < 3; i++) {
      int vocabulary = trial.size(64);
      int tokens = trial.size(131);
      int columns = trial.size(64);
      trial.begin(Layout.turn(i), "<gather x, y> = <x, scatterAdd y>, %d ids", tokens);
      Operand x = trial.real("x", FIXED, vocabulary, columns);
      Operand y = trial.real("y", TOKENS, tokens, columns);
      Operand ids = trial.ints("ids", TOKENS, ids(trial, tokens, vocabulary));
      Operand gathered = trial.output("gathered", TOKENS, tokens, columns);
      Operand added =
          trial.real("added", FIXED, vocabulary, columns, new double[vocabulary * columns]);
      trial.run(
          (k, of) -> {
            k.gather(of.it(x), of.it(ids), of.it(gathered));
            k.scatterAdd(of.it(y), of.it(ids), of.it(added));
          },
          gathered,
          added);
      requireAdjoint(trial, gathered.actual(), y.values(), x.values(), added.actual(), tokens);
    }
  }

  /// `⟨a, b⟩ = ⟨c, d⟩`, where each element is a sum of `terms`.
  static void requireAdjoint(
      Trial trial, double[] a, double[] b, double[] c, double[] d, long terms) {
    double left = IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
    double right = IntStream.range(0, c.length).mapToDouble(i -> c[i] * d[i]).sum();
    double squares =
        IntStream.range(0, a.length).mapToDouble(i -> a[i] * a[i] * b[i] * b[i]).sum()
            + IntStream.range(0, c.length).mapToDouble(i -> c[i] * c[i] * d[i] * d[i]).sum();
    trial.requireClose(
        "inner product",
        left,
        right,
        4 * Math.sqrt(terms) * Tolerance.sum(terms) * Math.sqrt(squares));
  }

  private static void scatter(Trial trial, DType dtype) {
    for (int i = 0; i < 6; i++) {
      int tokens = trial.size(33);
      int rows = tokens + trial.random().nextInt(9);
      int columns = trial.size(131);
      trial.begin(Layout.turn(i), "scatter %d rows into %s [%d, %d]", tokens, dtype, rows, columns);
      double[] before = trial.normal(rows * columns);
      Operand table = trial.operand("table", dtype, FIXED, rows, columns, before);
      Operand from = trial.real("rows", TOKEN_COLUMNS, tokens, columns);
      int[] to = shuffled(trial, rows, tokens);
      Operand ids = trial.ints("ids", TOKENS, to);
      trial.run((k, of) -> k.scatter(of.it(from), of.it(ids), of.it(table)), table);
      trial.exact(table);
    }
  }

  /// Distinct rows below `limit`, every fifth one skipped.
  private static int[] shuffled(Trial trial, int limit, int n) {
    int[] order = IntStream.range(0, limit).toArray();
    for (int i = limit - 1; i > 0; i--) {
      int j = trial.random().nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return IntStream.range(0, n).map(i -> i % 5 == 4 ? -1 : order[i]).toArray();
  }

  private static void copy(Trial trial, DType from, DType to) {
    DType wider = from.quantised() ? from : to;
    for (int i = 0; i < 6; i++) {
      copy(trial, Layout.turn(i), from, to, trial.size(17), columns(trial, wider, 131));
    }
    copy(trial, Layout.UNALIGNED, from, to, 1, 128_256);
    copy(trial, Layout.COUNTED, from, to, 2, 3072);
  }

  private static void copy(
      Trial trial, Layout layout, DType from, DType to, int rows, int columns) {
    trial.begin(layout, "copy of %s to %s [%d, %d]", from, to, rows, columns);
    double[] values = trial.draw(rows * columns, () -> magnitude(trial));
    if (from == DType.I32) {
      values = trial.draw(rows * columns, () -> trial.random().nextInt());
    }
    if (columns >= 32) {
      java.util.Arrays.fill(values, 0, 32, 0);
    }
    Operand source = trial.operand("source", from, TOKENS, rows, columns, values);
    Operand target = trial.operand("target", to, TOKENS, rows, columns, new double[rows * columns]);
    trial.run((k, of) -> k.copy(of.it(source), of.it(target)), target);
    trial.exact(target);
  }

  /// Of either sign, mostly around one, now and then very small.
  private static double magnitude(Trial trial) {
    double normal = trial.random().nextGaussian();
    return trial.random().nextInt(8) == 0 ? normal * 1e-6 : normal * 8;
  }

  private static void ties(Trial trial) {
    double[] values = new double[64];
    for (int i = 0; i < 32; i++) {
      values[i] = 1 + (2 * i + 1) * 0x1p-8;
      values[32 + i] = -1 - (2 * i + 1) * 0x1p-11 - (i % 2) * 0x1p-20;
    }
    values[60] = 65519.99;
    values[61] = 65520;
    values[62] = Double.NaN;
    values[63] = Double.NEGATIVE_INFINITY;
    for (DType to : List.of(DType.BF16, DType.F16)) {
      trial.begin(Layout.PLAIN, "ties to %s", to);
      Operand source = trial.real("source", TOKENS, 1, 64, values);
      Operand target = trial.operand("target", to, TOKENS, 1, 64, new double[64]);
      trial.run((k, of) -> k.copy(of.it(source), of.it(target)), target);
      trial.exact(target);
    }
  }
}
