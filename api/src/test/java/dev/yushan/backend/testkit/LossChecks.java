package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Operand.Kind.FIXED;
import static dev.yushan.backend.testkit.Operand.Kind.TOKENS;

import dev.yushan.backend.testkit.Trial.Call;
import java.util.Arrays;
import java.util.List;

/// Checks of `crossEntropy`.
final class LossChecks {
  private static final int IGNORED = -100;

  private LossChecks() {}

  static List<Check> all() {
    return List.of(
        Check.of("crossEntropy", "values", LossChecks::values),
        Check.of("crossEntropy", "huge, masked and NaN logits", LossChecks::special));
  }

  private static void values(Trial trial) {
    BlockChecks.sizes(trial, (t, layout, rows, columns) -> values(t, layout, rows, columns, 2));
    values(trial, Layout.UNALIGNED, 2, 128_256, 2);
    values(trial, Layout.PLAIN, 3, 257, 40);
  }

  private static void values(Trial trial, Layout layout, int rows, int columns, double spread) {
    trial.begin(layout, "crossEntropy [%d, %d], spread %s", rows, columns, spread);
    double[] values = trial.draw(rows * columns, () -> spread * trial.random().nextGaussian());
    for (int i = 0; i < rows; i++) {
      values[(i + 1) * columns - 1] = 7;
    }
    int[] targets = trial.random().ints(rows, 0, columns).toArray();
    targets[rows / 2] = columns - 1;
    if (rows > 3) {
      targets[1] = IGNORED;
    }
    Operand logits = trial.real("logits", TOKENS, rows, columns, values);
    Operand target = trial.ints("targets", TOKENS, targets);
    Operand scale = trial.real("scale", FIXED, 1, 1, new double[] {0.37f});
    Operand nll = trial.output("nll", TOKENS, rows, 1);
    Call call = (k, of) -> k.crossEntropy(of.it(logits), of.it(target), of.it(scale), of.it(nll));
    trial.run(call, logits, nll);
    double[] size = magnitudes(values, rows, columns);
    double[] expected = trial.expected(logits);
    trial.close(nll, i -> Tolerance.sum(columns) + Tolerance.few(4) * size[i]);
    trial.close(
        logits,
        i -> {
          int row = i / columns;
          boolean hit = targets[row] == i % columns;
          double p = Math.abs(expected[i] / 0.37f + (hit ? 1 : 0));
          double error = Tolerance.sum(columns) + Tolerance.few(4) * size[row];
          return 0.37 * (p * Tolerance.exp(error) + (hit ? Tolerance.few(1) : 0));
        });
    trial.rowsAlone(call, logits, nll);
  }

  /// The largest magnitude in each row, and twice the logarithm of its length.
  private static double[] magnitudes(double[] values, int rows, int columns) {
    double[] size = new double[rows];
    for (int i = 0; i < values.length; i++) {
      size[i / columns] = Math.max(size[i / columns], Math.abs(values[i]));
    }
    return Arrays.stream(size).map(s -> 2 * s + 2 * Math.log(columns)).toArray();
  }

  private static void special(Trial trial) {
    trial.begin(Layout.PLAIN, "crossEntropy of special rows");
    double[] values = trial.normal(5 * 35);
    values[7] = Double.NEGATIVE_INFINITY;
    values[35 + 9] = Double.NaN;
    for (int j = 0; j < 35; j++) {
      values[2 * 35 + j] += 1e4;
      values[3 * 35 + j] -= 1e4;
    }
    values[4 * 35 + 34] = Double.NaN;
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = (float) values[i];
      values[i] = rounded[i];
    }
    Operand logits = trial.real("logits", TOKENS, 5, 35, values);
    Operand target = trial.ints("targets", TOKENS, 3, 2, 34, 0, IGNORED);
    Operand scale = trial.real("scale", FIXED, 1, 1, new double[] {1});
    Operand nll = trial.output("nll", TOKENS, 5, 1);
    trial.run(
        (k, of) -> k.crossEntropy(of.it(logits), of.it(target), of.it(scale), of.it(nll)),
        logits,
        nll);
    double[] size = {20, 20, 2e4, 2e4, 1};
    trial.close(nll, i -> Tolerance.sum(35) + Tolerance.few(2) * size[i]);
    trial.close(logits, i -> Tolerance.sum(35) + Tolerance.few(2) * size[i / 35]);
  }
}
