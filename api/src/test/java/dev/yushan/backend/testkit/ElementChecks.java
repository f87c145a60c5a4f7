package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Operand.Kind.FIXED;
import static dev.yushan.backend.testkit.Operand.Kind.TOKENS;

import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels.AdamWConstants;
import dev.yushan.backend.testkit.BlockChecks.Sized;
import java.util.Arrays;
import java.util.List;

/// Checks of the ops that go element by element.
final class ElementChecks {
  private ElementChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of("add", "values", t -> sizes(t, ElementChecks::add)),
        Check.of("squaredNorm", "values", t -> sizes(t, ElementChecks::squaredNorm)),
        Check.of("squaredNorm", "keeps NaN and infinity", ElementChecks::normSpecial),
        Check.of("scale", "values", t -> sizes(t, ElementChecks::scale)),
        Check.of("axpby", "values", t -> sizes(t, ElementChecks::axpby)),
        Check.of("lerp", "values", t -> sizes(t, ElementChecks::lerp)),
        Check.of("sign", "values", t -> sizes(t, ElementChecks::sign)),
        Check.of("fill", "values", t -> sizes(t, ElementChecks::fill)),
        Check.of("adamW", "values", Feature.TRAINING, t -> sizes(t, ElementChecks::adamW)),
        Check.of("adamW", "keeps NaN", Feature.TRAINING, ElementChecks::adamWSpecial));
  }

  private static void sizes(Trial trial, Sized check) {
    BlockChecks.sizes(trial, check);
    check.check(trial, Layout.UNALIGNED, 1, 128_256 + 3);
  }

  /// Normal values among which there are zeros, infinities and NaN.
  private static double[] mixed(Trial trial, int n) {
    double[] special = {0, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    double[] values = trial.normal(n);
    for (int i = 0; i < n / 16; i++) {
      values[trial.random().nextInt(n)] = special[i % special.length];
    }
    return values;
  }

  private static Operand mixed(Trial trial, String name, int rows, int columns) {
    return trial.real(name, TOKENS, rows, columns, mixed(trial, rows * columns));
  }

  private static void add(Trial trial, Layout layout, int rows, int columns) {
    for (int form = 0; form < 3; form++) {
      trial.begin(layout, "add [%d, %d], form %d", rows, columns, form);
      Operand a = mixed(trial, "a", rows, columns);
      Operand b = mixed(trial, "b", rows, columns);
      Operand out = form == 1 ? a : form == 2 ? b : trial.output("out", TOKENS, rows, columns);
      trial.run((k, of) -> k.add(of.it(a), of.it(b), of.it(out)), out);
      trial.exact(out);
    }
  }

  private static void squaredNorm(Trial trial, Layout layout, int rows, int columns) {
    trial.begin(layout, "squaredNorm [%d, %d]", rows, columns);
    Operand x = trial.real("x", TOKENS, rows, columns);
    Operand out = trial.output("out", FIXED, 1, 1);
    trial.run((k, of) -> k.squaredNorm(of.it(x), of.it(out)), out);
    double expected = trial.expected(out)[0];
    trial.close(out, i -> Tolerance.sum((long) rows * columns) * expected);
  }

  private static void normSpecial(Trial trial) {
    for (double special : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
      trial.begin(Layout.PLAIN, "squaredNorm with %s", special);
      double[] values = trial.normal(131);
      values[130] = special;
      Operand x = trial.real("x", TOKENS, 1, 131, values);
      Operand out = trial.output("out", FIXED, 1, 1);
      trial.run((k, of) -> k.squaredNorm(of.it(x), of.it(out)), out);
      trial.close(out, i -> 0);
    }
  }

  private static void scale(Trial trial, Layout layout, int rows, int columns) {
    trial.begin(layout, "scale [%d, %d]", rows, columns);
    Operand x = mixed(trial, "x", rows, columns);
    Operand factor = trial.real("factor", FIXED, 1, 1);
    trial.run((k, of) -> k.scale(of.it(x), of.it(factor)), x);
    trial.exact(x);
  }

  private static void axpby(Trial trial, Layout layout, int rows, int columns) {
    trial.begin(layout, "axpby [%d, %d]", rows, columns);
    Operand ab = trial.real("ab", FIXED, 2, 1);
    Operand x = mixed(trial, "x", rows, columns);
    Operand y = mixed(trial, "y", rows, columns);
    trial.run((k, of) -> k.axpby(of.it(ab), of.it(x), of.it(y)), y);
    trial.close(
        y,
        i ->
            Tolerance.few(1)
                * (Math.abs(ab.value(0, 0) * x.values()[i])
                    + Math.abs(ab.value(1, 0) * y.values()[i])));
  }

  private static void lerp(Trial trial, Layout layout, int rows, int columns) {
    for (int form = 0; form < 3; form++) {
      trial.begin(layout, "lerp [%d, %d], form %d", rows, columns, form);
      Operand a = mixed(trial, "a", rows, columns);
      Operand b = mixed(trial, "b", rows, columns);
      Operand out = form == 1 ? a : form == 2 ? b : trial.output("out", TOKENS, rows, columns);
      trial.run((k, of) -> k.lerp(of.it(a), of.it(b), 0.3f, of.it(out)), out);
      double[] from = a.values();
      double[] to = b.values();
      trial.close(out, i -> Tolerance.few(2) * (Math.abs(from[i]) + Math.abs(to[i])));
    }
  }

  private static void sign(Trial trial, Layout layout, int rows, int columns) {
    for (boolean inPlace : new boolean[] {false, true}) {
      trial.begin(layout, "sign [%d, %d], in place %s", rows, columns, inPlace);
      Operand x = mixed(trial, "x", rows, columns);
      Operand out = inPlace ? x : trial.output("out", TOKENS, rows, columns);
      trial.run((k, of) -> k.sign(of.it(x), of.it(out)), out);
      trial.exact(out);
    }
  }

  private static void fill(Trial trial, Layout layout, int rows, int columns) {
    float value = columns % 7 == 0 ? Float.NEGATIVE_INFINITY : 0.1f * columns;
    trial.begin(layout, "fill [%d, %d] with %s", rows, columns, value);
    Operand x = trial.output("x", TOKENS, rows, columns);
    trial.run((k, of) -> k.fill(of.it(x), value), x);
    trial.exact(x);
  }

  private static void adamW(Trial trial, Layout layout, int rows, int columns) {
    for (double decay : new double[] {0, 0.1}) {
      AdamWConstants constants = new AdamWConstants(0.9, 0.999, 1e-8, decay);
      trial.begin(layout, "adamW [%d, %d] %s", rows, columns, constants);
      int n = rows * columns;
      double[] steps = {1e-2f, (float) (1 - 0.81), (float) (1 - 0.998001), 0.7f};
      Operand step = trial.real("step", FIXED, 4, 1, steps);
      Operand p = trial.real("parameter", TOKENS, rows, columns);
      Operand g = trial.real("gradient", TOKENS, rows, columns);
      Operand m = trial.real("m", TOKENS, rows, columns);
      double[] squares = trial.draw(n, () -> Math.pow(trial.random().nextGaussian(), 2));
      Operand v = trial.real("v", TOKENS, rows, columns, squares);
      trial.run(
          (k, of) -> k.adamW(constants, of.it(step), of.it(p), of.it(g), of.it(m), of.it(v)),
          p,
          m,
          v);
      double[] newV = trial.expected(v);
      double[] mBound = new double[n];
      Arrays.setAll(
          mBound,
          i -> Tolerance.few(2) * (Math.abs(m.values()[i]) + 0.1 * Math.abs(g.values()[i])));
      double[] newM = trial.expected(m);
      trial.close(m, i -> mBound[i]);
      trial.close(v, i -> Tolerance.few(4) * newV[i]);
      trial.close(
          p,
          i -> {
            double rate = steps[0] / steps[1] / (Math.sqrt(newV[i]) / Math.sqrt(steps[2]) + 1e-8);
            return Tolerance.few(2) * Math.abs(p.values()[i])
                + rate * (mBound[i] + Tolerance.few(12) * Math.abs(newM[i]));
          });
    }
  }

  private static void adamWSpecial(Trial trial) {
    trial.begin(Layout.PLAIN, "adamW with NaN and zero gradients");
    AdamWConstants constants = new AdamWConstants(0.9, 0.95, 1e-8, 0.1);
    Operand step = trial.real("step", FIXED, 4, 1, new double[] {0.5, 0.5, 0.5, 1});
    Operand p = trial.real("parameter", TOKENS, 1, 3, new double[] {1, 2, Double.NaN});
    Operand g = trial.real("gradient", TOKENS, 1, 3, new double[] {Double.NaN, 0, 1});
    Operand m = trial.real("m", TOKENS, 1, 3, new double[3]);
    Operand v = trial.real("v", TOKENS, 1, 3, new double[3]);
    trial.run(
        (k, of) -> k.adamW(constants, of.it(step), of.it(p), of.it(g), of.it(m), of.it(v)),
        p,
        m,
        v);
    trial.close(p, i -> Tolerance.few(2) * 2);
    trial.close(m, i -> Tolerance.few(2));
    trial.close(v, i -> Tolerance.few(2));
  }
}
