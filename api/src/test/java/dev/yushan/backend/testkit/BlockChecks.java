package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Operand.Kind.FIXED;
import static dev.yushan.backend.testkit.Operand.Kind.TOKENS;
import static dev.yushan.backend.testkit.Operand.Kind.TOKEN_COLUMNS;

import dev.yushan.backend.Feature;
import dev.yushan.backend.testkit.Trial.Call;
import java.util.List;

/// Checks of `rmsNorm`, `rope` and `swiGlu` and their backward ops.
final class BlockChecks {
  private static final float NORM_EPS = 1e-5f;

  private BlockChecks() {}

  /// Draws a case of `rows` by `columns`.
  interface Sized {
    void check(Trial trial, Layout layout, int rows, int columns);
  }

  static List<Check> all() {
    return List.of(
        Check.of("rmsNorm", "values", t -> sizes(t, (s, l, r, c) -> rmsNorm(s, l, r, 1, c))),
        Check.of("rmsNorm", "values of heads", t -> heads(t, BlockChecks::rmsNorm)),
        Check.of("rmsNorm", "special values stay in their row", BlockChecks::rmsNormSpecial),
        Check.of(
            "rmsNormBackward",
            "values",
            Feature.TRAINING,
            t -> sizes(t, (s, l, r, c) -> rmsNormBackward(s, l, r, 1, c))),
        Check.of(
            "rmsNormBackward",
            "values of heads",
            Feature.TRAINING,
            t -> heads(t, BlockChecks::rmsNormBackward)),
        Check.of("rope", "values", t -> sizes(t, BlockChecks::rope)),
        Check.of("rope", "is the adjoint of its inverse", BlockChecks::ropeAdjoint),
        Check.of("swiGlu", "values", t -> sizes(t, BlockChecks::swiGlu)),
        Check.of("swiGlu", "saturates, keeps NaN", BlockChecks::swiGluSpecial),
        Check.of(
            "swiGluBackward",
            "values",
            Feature.TRAINING,
            t -> sizes(t, BlockChecks::swiGluBackward)));
  }

  /// Small shapes of every layout, then one long dimension at a time.
  static void sizes(Trial trial, Sized check) {
    for (int i = 0; i < (Trial.thorough() ? 60 : 10); i++) {
      check.check(trial, Layout.turn(i), trial.size(67), trial.size(257));
    }
    check.check(trial, Layout.COUNTED, 1, 3072);
    check.check(trial, Layout.UNALIGNED, 2, 8192);
    check.check(trial, Layout.COLUMNS, 8191, 2);
  }

  /// Draws a case of `rows` rows of `heads` heads of `length` elements.
  interface OfHeads {
    void check(Trial trial, Layout layout, int rows, int heads, int length);
  }

  private static void heads(Trial trial, OfHeads check) {
    for (int i = 0; i < (Trial.thorough() ? 30 : 10); i++) {
      int heads = 2 + trial.random().nextInt(5);
      check.check(trial, Layout.turn(i), trial.size(67), heads, trial.size(131));
    }
    check.check(trial, Layout.COLUMNS, 3, 32, 128);
  }

  private static void rmsNorm(Trial trial, Layout layout, int rows, int heads, int length) {
    int columns = heads * length;
    for (boolean inPlace : new boolean[] {false, true}) {
      trial.begin(layout, "rmsNorm [%d, %d · %d], in place: %s", rows, heads, length, inPlace);
      Operand x = trial.real("x", TOKEN_COLUMNS, rows, columns);
      Operand weight = trial.real("weight", FIXED, length, 1);
      Operand out = inPlace ? x : trial.output("out", TOKEN_COLUMNS, rows, columns);
      Operand r = trial.output("inverseRms", TOKENS, rows, heads);
      Call call = (k, of) -> k.rmsNorm(of.it(x), of.it(weight), NORM_EPS, of.it(out), of.it(r));
      trial.run(call, out, r);
      double relative = Tolerance.sum(length) + Tolerance.few(4);
      double[] expected = trial.expected(out);
      double[] expectedR = trial.expected(r);
      trial.close(out, i -> relative * Math.abs(expected[i]));
      trial.close(r, i -> relative * expectedR[i]);
      trial.rowsAlone(call, out, r);
    }
  }

  private static void rmsNormSpecial(Trial trial) {
    trial.begin(Layout.PLAIN, "rmsNorm of rows with NaN, infinity and zeros");
    double[] values = trial.normal(5 * 37);
    values[40] = Double.NaN;
    values[80] = Double.POSITIVE_INFINITY;
    java.util.Arrays.fill(values, 3 * 37, 4 * 37, 0);
    Operand x = trial.real("x", TOKENS, 5, 37, values);
    Operand weight = trial.real("weight", FIXED, 37, 1);
    Operand out = trial.output("out", TOKENS, 5, 37);
    Operand r = trial.output("inverseRms", TOKENS, 5, 1);
    trial.run(
        (k, of) -> k.rmsNorm(of.it(x), of.it(weight), NORM_EPS, of.it(out), of.it(r)), out, r);
    double[] expected = trial.expected(out);
    trial.close(out, i -> Tolerance.sum(64) * Math.abs(expected[i]));
  }

  private static void rmsNormBackward(Trial trial, Layout layout, int rows, int heads, int length) {
    for (float beta : new float[] {0, 1}) {
      for (boolean inPlace : beta == 0 ? new boolean[] {false, true} : new boolean[] {false}) {
        rmsNormBackward(trial, layout, rows, heads, length, beta, inPlace);
      }
    }
  }

  private static void rmsNormBackward(
      Trial trial, Layout layout, int rows, int heads, int length, float beta, boolean inPlace) {
    int columns = heads * length;
    trial.begin(
        layout, "rmsNormBackward [%d, %d · %d] beta %s %s", rows, heads, length, beta, inPlace);
    Operand dOut = trial.real("dOut", TOKEN_COLUMNS, rows, columns);
    Operand x = trial.real("x", TOKEN_COLUMNS, rows, columns);
    Operand weight = trial.real("weight", FIXED, length, 1);
    double[] inverse = trial.draw(rows * heads, () -> 0.5 + trial.random().nextDouble());
    Operand r = trial.real("inverseRms", TOKENS, rows, heads, inverse);
    Operand dX =
        inPlace
            ? dOut
            : beta == 0
                ? trial.output("dX", TOKEN_COLUMNS, rows, columns)
                : trial.real("dX", TOKEN_COLUMNS, rows, columns);
    Operand dWeight = trial.real("dWeight", FIXED, length, 1);
    Call call =
        (k, of) ->
            k.rmsNormBackward(
                of.it(dOut), of.it(x), of.it(weight), of.it(r), beta, of.it(dX), of.it(dWeight));
    trial.run(call, dX, dWeight);
    double[] means = new double[rows * heads];
    double[] weightScale = new double[length];
    for (int i = 0; i < rows * columns; i++) {
      double d = dOut.values()[i];
      double y = x.values()[i] * inverse[i / length];
      means[i / length] += Math.abs(d * weight.value(i % length, 0) * y) / length;
      weightScale[i % length] += Math.abs(d * y);
    }
    double relative = Tolerance.sum(length) + Tolerance.few(6);
    trial.close(
        dX,
        i -> {
          double scale = inverse[i / length];
          double y = x.values()[i] * scale;
          double g = Math.abs(dOut.values()[i] * weight.value(i % length, 0));
          return scale * (Tolerance.few(4) * g + relative * Math.abs(y) * means[i / length])
              + (beta == 0 ? 0 : Tolerance.few(1) * Math.abs(dX.values()[i]));
        });
    trial.close(
        dWeight,
        j ->
            (Tolerance.sum(rows * heads) + Tolerance.few(2)) * weightScale[j]
                + Tolerance.few(0) * Math.abs(dWeight.values()[j]));
    trial.rowsAlone(call, dX);
  }

  private static int headDim(int columns) {
    int[] dims = {64, 16, 6, 2};
    for (int dim : dims) {
      if (columns >= dim) {
        return dim;
      }
    }
    return 2;
  }

  private static void rope(Trial trial, Layout layout, int rows, int columns) {
    int dim = headDim(columns);
    int width = Math.max(1, columns / dim) * dim;
    for (boolean inverse : new boolean[] {false, true}) {
      for (boolean inPlace : new boolean[] {false, true}) {
        trial.begin(
            layout,
            "rope [%d, %d], head %d, inverse %s, in place %s",
            rows,
            width,
            dim,
            inverse,
            inPlace);
        Operand x = trial.real("x", TOKEN_COLUMNS, rows, width);
        Operand positions = trial.ints("positions", TOKENS, positions(trial, rows));
        Operand table = trial.real("cosSin", FIXED, 50, dim, angles(trial, 50, dim));
        Operand out = inPlace ? x : trial.output("out", TOKEN_COLUMNS, rows, width);
        Call call =
            (k, of) -> k.rope(of.it(x), of.it(positions), of.it(table), inverse, of.it(out));
        trial.run(call, out);
        trial.close(
            out,
            i -> {
              int column = i % width;
              int pair = column % dim < dim / 2 ? column + dim / 2 : column - dim / 2;
              int row = i / width;
              return Tolerance.few(2)
                  * (Math.abs(x.value(row, column)) + Math.abs(x.value(row, pair)));
            });
        trial.rowsAlone(call, out);
      }
    }
  }

  private static int[] positions(Trial trial, int rows) {
    int[] positions = trial.random().ints(rows, 0, 50).toArray();
    positions[0] = 49;
    return positions;
  }

  private static double[] angles(Trial trial, int positions, int dim) {
    double[] table = new double[positions * dim];
    for (int p = 0; p < positions; p++) {
      for (int j = 0; j < dim / 2; j++) {
        double angle = p * (1 + trial.random().nextDouble());
        table[p * dim + j] = (float) Math.cos(angle);
        table[p * dim + dim / 2 + j] = (float) Math.sin(angle);
      }
    }
    return table;
  }

  private static void ropeAdjoint(Trial trial) {
    for (int i = 0; i < 3; i++) {
      int rows = trial.size(67);
      trial.begin(Layout.turn(i), "<rope x, y> = <x, rope' y> [%d, 48]", rows);
      Operand x = trial.real("x", TOKEN_COLUMNS, rows, 48);
      Operand y = trial.real("y", TOKEN_COLUMNS, rows, 48);
      Operand positions = trial.ints("positions", TOKENS, positions(trial, rows));
      Operand table = trial.real("cosSin", FIXED, 50, 16, angles(trial, 50, 16));
      Operand turned = trial.output("turned", TOKEN_COLUMNS, rows, 48);
      Operand back = trial.output("back", TOKEN_COLUMNS, rows, 48);
      trial.run(
          (k, of) -> {
            k.rope(of.it(x), of.it(positions), of.it(table), false, of.it(turned));
            k.rope(of.it(y), of.it(positions), of.it(table), true, of.it(back));
          },
          turned,
          back);
      RowChecks.requireAdjoint(trial, turned.actual(), y.values(), x.values(), back.actual(), 2);
    }
  }

  private static void swiGlu(Trial trial, Layout layout, int rows, int columns) {
    trial.begin(layout, "swiGlu [%d, %d]", rows, columns);
    double[] gates = trial.draw(rows * columns, () -> 4 * trial.random().nextGaussian());
    Operand gate = trial.real("gate", TOKEN_COLUMNS, rows, columns, gates);
    Operand up = trial.real("up", TOKEN_COLUMNS, rows, columns);
    Operand out = trial.output("out", TOKEN_COLUMNS, rows, columns);
    Call call = (k, of) -> k.swiGlu(of.it(gate), of.it(up), of.it(out));
    trial.run(call, out);
    double[] expected = trial.expected(out);
    trial.close(out, i -> Tolerance.few(8) * Math.abs(expected[i]));
    trial.rowsAlone(call, out);
  }

  private static void swiGluSpecial(Trial trial) {
    trial.begin(Layout.PLAIN, "swiGlu of large gates and NaN");
    double[] gates = {-200, -90, -40, -1e-30, 0, 1e-30, 40, 90, 200, 1e30, Double.NaN, 1};
    double[] ups = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, Double.NaN};
    Operand gate = trial.real("gate", TOKENS, 3, 4, trial.draw(12, new Sequence(gates)));
    Operand up = trial.real("up", TOKENS, 3, 4, ups);
    Operand out = trial.output("out", TOKENS, 3, 4);
    trial.run((k, of) -> k.swiGlu(of.it(gate), of.it(up), of.it(out)), out);
    double[] expected = trial.expected(out);
    trial.close(out, i -> Tolerance.few(8) * Math.abs(expected[i]));
  }

  private static final class Sequence implements java.util.function.DoubleSupplier {
    private final double[] values;
    private int next;

    Sequence(double[] values) {
      this.values = values;
    }

    @Override
    public double getAsDouble() {
      return values[next++];
    }
  }

  private static void swiGluBackward(Trial trial, Layout layout, int rows, int columns) {
    trial.begin(layout, "swiGluBackward [%d, %d]", rows, columns);
    double[] gates = trial.draw(rows * columns, () -> 4 * trial.random().nextGaussian());
    Operand dOut = trial.real("dOut", TOKEN_COLUMNS, rows, columns);
    Operand gate = trial.real("gate", TOKEN_COLUMNS, rows, columns, gates);
    Operand up = trial.real("up", TOKEN_COLUMNS, rows, columns);
    Operand dGate = trial.output("dGate", TOKEN_COLUMNS, rows, columns);
    Operand dUp = trial.output("dUp", TOKEN_COLUMNS, rows, columns);
    Call call =
        (k, of) -> k.swiGluBackward(of.it(dOut), of.it(gate), of.it(up), of.it(dGate), of.it(dUp));
    trial.run(call, dGate, dUp);
    double[] expected = trial.expected(dUp);
    trial.close(dUp, i -> Tolerance.few(8) * Math.abs(expected[i]));
    trial.close(
        dGate,
        i -> {
          double x = gate.values()[i];
          double s = 1 / (1 + Math.exp(-x));
          double factor = Math.abs(dOut.values()[i] * up.values()[i]) * s;
          return Tolerance.few(14) * factor * (1 + Math.abs(x));
        });
    trial.rowsAlone(call, dGate, dUp);
  }
}
