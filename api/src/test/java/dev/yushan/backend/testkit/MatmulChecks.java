package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Operand.Kind.COLUMNS;
import static dev.yushan.backend.testkit.Operand.Kind.FIXED;
import static dev.yushan.backend.testkit.Operand.Kind.TOKENS;
import static dev.yushan.backend.testkit.Operand.Kind.TOKEN_COLUMNS;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.testkit.Trial.Call;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/// Checks of `matmul`.
final class MatmulChecks {
  /// What the reference multiplies out in full; of larger products it computes samples.
  private static final long FULL = 1 << 20;

  private static final int SAMPLES = 256;
  private static final float[][] FACTORS = {
    {1, 0}, {1, 1}, {0.5f, -2}, {-1, 0}, {0, 1}, {1, 0.25f}
  };

  private MatmulChecks() {}

  /// A product of op(A) `[m, k]`, of type `rows`, and op(B) `[k, n]`.
  private record Case(
      Op opA, Op opB, DType rows, DType dtype, float alpha, float beta, int m, int k, int n) {
    static Case of(Op opA, Op opB, DType rows, DType dtype) {
      return new Case(opA, opB, rows, dtype, 1, 0, 1, 1, 1);
    }

    @Override
    public String toString() {
      return "%s%s %s [%d, %d] by %s [%d, %d], alpha %s, beta %s"
          .formatted(opA, opB, rows, m, k, dtype, k, n, alpha, beta);
    }

    Case sized(int m, int k, int n) {
      return new Case(opA, opB, rows, dtype, alpha, beta, m, k, n);
    }

    Case factors(float[] alphaBeta) {
      return new Case(opA, opB, rows, dtype, alphaBeta[0], alphaBeta[1], m, k, n);
    }
  }

  private record Product(Case of, Operand a, Operand b, Operand c, Call call) {
    double left(int i, int p) {
      return of.opA == Op.N ? a.value(i, p) : a.value(p, i);
    }

    double right(int p, int j) {
      return of.opB == Op.N ? b.value(p, j) : b.value(j, p);
    }

    /// Of element `(i, j)`: the exact value and the bound on its error.
    double[] element(int i, int j) {
      double sum = 0;
      double magnitude = 0;
      for (int p = 0; p < of.k; p++) {
        double term = left(i, p) * right(p, j);
        sum += term;
        magnitude += Math.abs(term);
      }
      double old = of.beta == 0 ? 0 : of.beta * c.value(i, j);
      double bound =
          Math.abs(of.alpha) * Tolerance.sum(of.k) * magnitude + Tolerance.few(2) * Math.abs(old);
      return new double[] {of.alpha * sum + old, bound};
    }
  }

  static List<Check> all() {
    List<Check> checks = new ArrayList<>();
    for (DType dtype : DType.values()) {
      for (Op opA : Op.values()) {
        for (Op opB : Op.values()) {
          if (dtype.real() && (opB == Op.T || !dtype.quantised())) {
            Case form = Case.of(opA, opB, DType.F32, dtype);
            String name = "%s%s by %s".formatted(opA, opB, dtype);
            checks.add(RowChecks.check("matmul", name, dtype, trial -> shapes(trial, form)));
            checks.add(
                stable(RowChecks.check("matmul", name + ", bits", dtype, t -> bits(t, form))));
          }
        }
      }
    }
    Case quantised = Case.of(Op.N, Op.T, DType.Q8_0, DType.Q4_0);
    checks.add(
        quantisedRows(
            "of Q8_0 by Q4_0",
            trial -> {
              shapes(trial, quantised);
              compare(trial, Layout.PLAIN, quantised.sized(1, 800, 67));
              compare(trial, Layout.COUNTED, quantised.sized(70, 288, 37).factors(FACTORS[2]));
            }));
    checks.add(stable(quantisedRows("of Q8_0 by Q4_0, bits", trial -> bits(trial, quantised))));
    checks.add(
        quantisedRows("of Q8_0 by anything but Q4_0, or transposed", MatmulChecks::refused)
            .with(DType.Q8_0));
    checks.add(Check.of("matmul", "is its own adjoint, transposed", MatmulChecks::adjoint));
    checks.add(Check.of("matmul", "keeps NaN and infinity to their rows", MatmulChecks::special));
    return checks;
  }

  private static Check quantisedRows(String name, Consumer<Trial> body) {
    return Check.of("matmul", name, Feature.QUANTISED_ROWS, body).with(DType.Q4_0);
  }

  private static Check stable(Check check) {
    List<Feature> needs = new ArrayList<>(check.needs());
    needs.add(Feature.STABLE_PRODUCTS);
    return new Check(check.op(), check.name(), List.copyOf(needs), check.body());
  }

  private static void refused(Trial trial) {
    Backend backend = Backends.checked(trial.backend());
    try (Tensor q8 = backend.allocate(DType.Q8_0, Shape.of(32, 32));
        Tensor q4 = backend.allocate(DType.Q4_0, Shape.of(32, 32));
        Tensor b = backend.allocate(DType.F32, Shape.of(32, 32));
        Tensor c = backend.allocate(DType.F32, Shape.of(32, 32))) {
      assertThatThrownBy(() -> backend.kernels().matmul(Op.N, Op.T, 1, q8, b, 0, c))
          .hasMessageContaining("a must be F32 where b is not Q4_0");
      assertThatThrownBy(() -> backend.kernels().matmul(Op.T, Op.T, 1, q8, q4, 0, c))
          .hasMessageContaining("a must be F32 where transposed");
      assertThatThrownBy(() -> backend.kernels().matmul(Op.N, Op.T, 1, q4, q4, 0, c))
          .hasMessageContaining("a must be F32, got");
    }
  }

  private static void shapes(Trial trial, Case form) {
    int unit = form.dtype.blockLength();
    for (int i = 0; i < 10; i++) {
      int k = unit == 1 ? trial.size(131) : unit * (1 + trial.random().nextInt(5));
      Case drawn = form.sized(trial.size(67), k, trial.size(131));
      compare(trial, Layout.turn(i), drawn.factors(FACTORS[i % FACTORS.length]));
    }
    compare(trial, Layout.PLAIN, form.sized(3, 3072, 33).factors(FACTORS[1]));
    compare(trial, Layout.COLUMNS, form.sized(2, 8192, 17));
    compare(trial, Layout.UNALIGNED, form.sized(2, unit, 8192 + 5));
    compare(trial, Layout.COUNTED, form.sized(3001, unit, 3).factors(FACTORS[3]));
    if (form.opA == Op.N && form.opB == Op.T || Trial.thorough()) {
      compare(trial, Layout.PLAIN, form.sized(1, unit, 128_256));
    }
    if (Trial.thorough()) {
      compare(trial, Layout.PLAIN, form.sized(97, 3072, 515));
      compare(trial, Layout.COLUMNS, form.sized(131, 8192, 129).factors(FACTORS[2]));
      compare(trial, Layout.PLAIN, form.sized(2, 256, 128_256));
    }
  }

  private static Product product(Trial trial, Layout layout, Case drawn) {
    trial.begin(layout, "matmul %s", drawn);
    boolean transposed = drawn.opA == Op.T;
    // where B is transposed too, its K lies along columns, of which none are dead
    boolean innerCounted = transposed && drawn.opB == Op.N;
    Operand a =
        drawn.rows.quantised()
            ? trial.operand(
                "a", drawn.rows, TOKENS, drawn.m, drawn.k, trial.normal(drawn.m * drawn.k))
            : drawn.opA == Op.N
                ? trial.real("a", TOKEN_COLUMNS, drawn.m, drawn.k)
                : trial.real("a", innerCounted ? TOKEN_COLUMNS : COLUMNS, drawn.k, drawn.m);
    boolean plain = drawn.opB == Op.N;
    Operand.Kind kind = innerCounted ? TOKEN_COLUMNS : COLUMNS;
    double[] values = trial.normal(drawn.k * drawn.n);
    Operand b =
        trial.operand(
            "b",
            drawn.dtype,
            drawn.dtype == DType.F32 ? kind : kind == COLUMNS ? FIXED : TOKENS,
            plain ? drawn.k : drawn.n,
            plain ? drawn.n : drawn.k,
            values);
    Operand.Kind result = transposed ? COLUMNS : TOKEN_COLUMNS;
    Operand c =
        drawn.beta == 0
            ? trial.output("c", result, drawn.m, drawn.n)
            : trial.real("c", result, drawn.m, drawn.n);
    Call call =
        (kernels, of) ->
            kernels.matmul(
                drawn.opA, drawn.opB, drawn.alpha, of.it(a), of.it(b), drawn.beta, of.it(c));
    return new Product(drawn, a, b, c, call);
  }

  private static void compare(Trial trial, Layout layout, Case drawn) {
    Product product = product(trial, layout, drawn);
    if ((long) drawn.m * drawn.k * drawn.n <= FULL) {
      trial.run(product.call, product.c);
      trial.close(product.c, i -> product.element(i / drawn.n, i % drawn.n)[1]);
      return;
    }
    trial.runUnreferenced(product.call, product.c);
    double[] actual = product.c.actual();
    for (int sample = 0; sample < SAMPLES; sample++) {
      int i = sample == 0 ? drawn.m - 1 : trial.random().nextInt(drawn.m);
      int j = sample == 0 ? drawn.n - 1 : trial.random().nextInt(drawn.n);
      double[] element = product.element(i, j);
      String name = "c[%d, %d]".formatted(i, j);
      trial.requireClose(name, element[0], actual[i * drawn.n + j], element[1]);
    }
    checksums(trial, product, actual);
  }

  /// Sums over the rows and over the columns of C, from sums over A and B.
  private static void checksums(Trial trial, Product product, double[] actual) {
    Case of = product.of;
    double[] rowSum = new double[of.m];
    double[] columnSum = new double[of.n];
    double squares = 0;
    for (int i = 0; i < of.m * of.n; i++) {
      double old = of.beta == 0 ? 0 : of.beta * product.c.values()[i];
      rowSum[i / of.n] += actual[i] - old;
      columnSum[i % of.n] += actual[i] - old;
      squares += old * old;
    }
    double[] aSum = new double[of.k];
    double[] bSum = new double[of.k];
    double norm = of.alpha * of.alpha * (double) of.k * of.k + squares / ((double) of.m * of.n);
    for (int p = 0; p < of.k; p++) {
      for (int i = 0; i < of.m; i++) {
        aSum[p] += product.left(i, p);
      }
      for (int j = 0; j < of.n; j++) {
        bSum[p] += product.right(p, j);
      }
    }
    double error = 4 * Tolerance.sum(of.k) * Math.sqrt(norm);
    for (int i = 0; i < of.m; i++) {
      double expected = 0;
      for (int p = 0; p < of.k; p++) {
        expected += of.alpha * product.left(i, p) * bSum[p];
      }
      trial.requireClose("sum of row " + i, expected, rowSum[i], error * Math.sqrt(of.n));
    }
    for (int j = 0; j < of.n; j++) {
      double expected = 0;
      for (int p = 0; p < of.k; p++) {
        expected += of.alpha * aSum[p] * product.right(p, j);
      }
      trial.requireClose("sum of column " + j, expected, columnSum[j], error * Math.sqrt(of.m));
    }
  }

  /// A row, a column and an element of a product have the same bits when computed alone.
  private static void bits(Trial trial, Case form) {
    int unit = form.dtype.blockLength();
    int[][] shapes = {{67, 131, 97}, {5, 3072, 33}, {33, 17, 257}, {2, 523, 1}};
    for (int s = 0; s < shapes.length; s++) {
      int[] shape = shapes[s];
      int k = (shape[1] + unit - 1) / unit * unit;
      Case drawn = form.sized(shape[0], k, shape[2]).factors(FACTORS[s]);
      Product product = product(trial, s % 2 == 0 ? Layout.PLAIN : Layout.COLUMNS, drawn);
      trial.runUnreferenced(product.call, product.c);
      double[] together = product.c.actual();
      for (int i : new int[] {0, drawn.m / 2, drawn.m - 1}) {
        alone(trial, product, together, i, i + 1, 0, drawn.n);
      }
      for (int j : new int[] {0, drawn.n / 3, drawn.n - 1}) {
        alone(trial, product, together, 0, drawn.m, j, j + 1);
      }
      alone(trial, product, together, drawn.m / 2, drawn.m, drawn.n / 2, drawn.n);
    }
  }

  private static void alone(
      Trial trial, Product product, double[] together, int top, int bottom, int left, int right) {
    Case of = product.of;
    trial.reset();
    var a = product.a.tensor();
    var b = product.b.tensor();
    boolean wholeB = left == 0 && right == of.n;
    boolean sliceable = of.opB == Op.T || of.dtype == DType.F32;
    int from = sliceable ? left : 0;
    int to = sliceable ? right : of.n;
    trial
        .backend()
        .kernels()
        .matmul(
            of.opA,
            of.opB,
            of.alpha,
            of.opA == Op.N ? a.rows(top, bottom) : a.columns(top, bottom),
            wholeB || !sliceable ? b : of.opB == Op.T ? b.rows(from, to) : b.columns(from, to),
            of.beta,
            product.c.tensor().rows(top, bottom).columns(from, to));
    double[] now = product.c.actual();
    for (int i = top; i < bottom; i++) {
      trial.sameBits(
          "rows %d-%d, columns %d-%d alone".formatted(top, bottom, from, to),
          product.c,
          Arrays.copyOfRange(together, i * of.n + from, i * of.n + to),
          Arrays.copyOfRange(now, i * of.n + from, i * of.n + to));
    }
  }

  private static void adjoint(Trial trial) {
    for (int i = 0; i < 3; i++) {
      int m = trial.size(67);
      int k = trial.size(67);
      int n = trial.size(67);
      trial.begin(Layout.turn(i), "<AX, Y> = <X, A'Y>, A [%d, %d]", m, k);
      Operand a = trial.real("a", COLUMNS, m, k);
      Operand x = trial.real("x", COLUMNS, k, n);
      Operand y = trial.real("y", COLUMNS, m, n);
      Operand ax = trial.output("ax", COLUMNS, m, n);
      Operand aty = trial.output("aty", COLUMNS, k, n);
      trial.run(
          (kernels, of) -> {
            kernels.matmul(Op.N, Op.N, 1, of.it(a), of.it(x), 0, of.it(ax));
            kernels.matmul(Op.T, Op.N, 1, of.it(a), of.it(y), 0, of.it(aty));
          },
          ax,
          aty);
      RowChecks.requireAdjoint(
          trial, ax.actual(), y.values(), x.values(), aty.actual(), Math.max(m, k));
    }
  }

  private static void special(Trial trial) {
    double[] specials = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    for (Op opA : Op.values()) {
      for (Op opB : Op.values()) {
        for (double special : specials) {
          special(trial, Case.of(opA, opB, DType.F32, DType.F32).sized(19, 37, 35), special);
        }
      }
    }
  }

  private static void special(Trial trial, Case of, double special) {
    trial.begin(Layout.PLAIN, "matmul %s with a %s", of, special);
    double[] left = trial.normal(of.m * of.k);
    double[] right = trial.normal(of.k * of.n);
    left[trial.random().nextInt(left.length)] = special;
    left[trial.random().nextInt(left.length)] = 0;
    right[trial.random().nextInt(right.length)] = special;
    Operand a =
        of.opA == Op.N
            ? trial.real("a", FIXED, of.m, of.k, left)
            : trial.real("a", FIXED, of.k, of.m, left);
    Operand b =
        of.opB == Op.N
            ? trial.real("b", FIXED, of.k, of.n, right)
            : trial.real("b", FIXED, of.n, of.k, right);
    Operand c = trial.output("c", FIXED, of.m, of.n);
    trial.run(
        (kernels, it) -> kernels.matmul(of.opA, of.opB, 1, it.it(a), it.it(b), 0, it.it(c)), c);
    Product product = new Product(of, a, b, c, (kernels, it) -> {});
    trial.close(c, i -> product.element(i / of.n, i % of.n)[1]);
  }
}
