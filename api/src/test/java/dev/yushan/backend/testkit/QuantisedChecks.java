package dev.yushan.backend.testkit;

import static dev.yushan.backend.testkit.Operand.Kind.FIXED;
import static dev.yushan.backend.testkit.Operand.Kind.TOKENS;

import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.testkit.Trial.Call;
import dev.yushan.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/// Checks with blocks of Q8_0 and Q4_0 that rounding never makes, but a file may hold: the lowest
/// numbers, −128 and −8, everywhere, and scales that are no finite number.
final class QuantisedChecks {
  /// Infinity, its negative, a NaN, one with a sign, and the one with the smallest fraction, as
  /// F16.
  private static final int[] NOT_FINITE = {0x7C00, 0xFC00, 0x7E00, 0xFE00, 0x7C01};

  /// Rows of A: one, some, more than any strip has.
  private static final int[] ROWS_OF_A = {1, 5, 19};

  private static final int N = 37;

  /// More than a k-block.
  private static final int K = 288;

  private QuantisedChecks() {}

  static List<Check> all() {
    List<Check> checks = new ArrayList<>();
    for (DType dtype : DType.values()) {
      if (dtype.quantised()) {
        String any = dtype + " of any blocks";
        checks.add(RowChecks.check("gather", "from " + any, dtype, t -> gather(t, dtype)));
        checks.add(RowChecks.check("copy", any + " to F32", dtype, t -> copy(t, dtype)));
        checks.add(lowest(DType.F32, dtype));
        checks.add(notFinite(DType.F32, dtype));
      }
    }
    checks.add(ofQuantisedRows(lowest(DType.Q8_0, DType.Q4_0)));
    checks.add(ofQuantisedRows(notFinite(DType.Q8_0, DType.Q4_0)));
    return checks;
  }

  private static Check ofQuantisedRows(Check check) {
    return Check.of(check.op(), check.name(), Feature.QUANTISED_ROWS, check.body())
        .with(DType.Q4_0);
  }

  private static Check lowest(DType rows, DType dtype) {
    String name = "of %s by %s, lowest numbers".formatted(rows, dtype);
    return RowChecks.check("matmul", name, dtype, trial -> lowest(trial, rows, dtype));
  }

  private static Check notFinite(DType rows, DType dtype) {
    String name = "of %s by %s, scales that are not finite".formatted(rows, dtype);
    return RowChecks.check("matmul", name, dtype, trial -> notFinite(trial, rows, dtype));
  }

  // ---- blocks ----------------------------------------------------------------------------------

  /// Rows of blocks with scales around 1: every second one has nothing but the lowest number, the
  /// others have any.
  static byte[] blocks(Trial trial, DType dtype, int rows, int columns) {
    byte[] bytes = new byte[(int) dtype.bytes((long) rows * columns)];
    trial.random().nextBytes(bytes);
    int perRow = columns / dtype.blockLength();
    byte lowest = dtype == DType.Q8_0 ? Byte.MIN_VALUE : 0;
    for (int block = 0; block < rows * perRow; block++) {
      int at = block * dtype.blockBytes();
      scale(bytes, at, Float.floatToFloat16(0.5f + trial.random().nextInt(512) / 512f));
      for (int i = 2; i < dtype.blockBytes() && block / perRow % 2 == 0; i++) {
        bytes[at + i] = lowest;
      }
    }
    return bytes;
  }

  /// Gives a block of a few of the rows a scale that is not finite.
  ///
  /// @return of each row, whether it has one
  static boolean[] spoil(byte[] blocks, DType dtype, int rows) {
    boolean[] spoiled = new boolean[rows];
    int perRow = blocks.length / rows / dtype.blockBytes();
    for (int i = 0; i < NOT_FINITE.length; i++) {
      int row = (i * 7 + 2) % rows;
      spoiled[row] = true;
      scale(blocks, (row * perRow + i * 5 % perRow) * dtype.blockBytes(), NOT_FINITE[i]);
    }
    return spoiled;
  }

  private static void scale(byte[] blocks, int at, int half) {
    blocks[at] = (byte) half;
    blocks[at + 1] = (byte) (half >> 8);
  }

  // ---- checks ----------------------------------------------------------------------------------

  private static void gather(Trial trial, DType dtype) {
    trial.begin(Layout.UNALIGNED, "gather from %s [%d, %d] of any blocks", dtype, N, K);
    byte[] blocks = blocks(trial, dtype, N, K);
    spoil(blocks, dtype, N);
    Operand table = trial.stored("table", dtype, FIXED, N, K, blocks);
    int[] all = new int[N];
    for (int i = 0; i < N; i++) {
      all[i] = N - 1 - i;
    }
    Operand ids = trial.ints("ids", TOKENS, all);
    Operand out = trial.output("out", TOKENS, N, K);
    trial.run((k, of) -> k.gather(of.it(table), of.it(ids), of.it(out)), out);
    trial.exact(out);
  }

  private static void copy(Trial trial, DType dtype) {
    trial.begin(Layout.PLAIN, "copy of %s [%d, %d] of any blocks", dtype, N, K);
    byte[] blocks = blocks(trial, dtype, N, K);
    spoil(blocks, dtype, N);
    Operand source = trial.stored("source", dtype, FIXED, N, K, blocks);
    Operand target = trial.output("target", FIXED, N, K);
    trial.run((k, of) -> k.copy(of.it(source), of.it(target)), target);
    trial.exact(target);
  }

  private static void lowest(Trial trial, DType rows, DType dtype) {
    for (int m : ROWS_OF_A) {
      trial.begin(Layout.PLAIN, "%s [%d, %d] by %s, lowest numbers", rows, m, K, dtype);
      Operand a =
          rows.quantised()
              ? trial.stored("a", rows, TOKENS, m, K, blocks(trial, rows, m, K))
              : trial.real("a", TOKENS, m, K);
      Operand b = trial.stored("b", dtype, FIXED, N, K, blocks(trial, dtype, N, K));
      multiply(trial, a, b, new boolean[m], new boolean[N]);
    }
  }

  private static void notFinite(Trial trial, DType rows, DType dtype) {
    for (int m : ROWS_OF_A) {
      trial.begin(Layout.PLAIN, "%s [%d, %d] by %s, scales not finite", rows, m, K, dtype);
      byte[] blocks = blocks(trial, dtype, N, K);
      boolean[] columns = spoil(blocks, dtype, N);
      boolean[] spoiled = new boolean[m];
      Operand b = trial.stored("b", dtype, FIXED, N, K, blocks);
      Operand a;
      if (rows.quantised()) {
        byte[] own = blocks(trial, rows, m, K);
        spoiled = m > 1 ? spoil(own, rows, m) : spoiled;
        a = trial.stored("a", rows, TOKENS, m, K, own);
      } else {
        a = trial.real("a", TOKENS, m, K);
      }
      multiply(trial, a, b, spoiled, columns);
    }
  }

  /// Elements of spoiled rows and columns are not finite, whatever they are; the others are right.
  private static void multiply(
      Trial trial, Operand a, Operand b, boolean[] spoiledRows, boolean[] spoiledColumns) {
    Operand c = trial.output("c", TOKENS, a.rows, b.rows);
    Call call = (k, of) -> k.matmul(Op.N, Op.T, 1, of.it(a), of.it(b), 0, of.it(c));
    trial.runUnreferenced(call, c);
    double[] actual = c.actual();
    for (int i = 0; i < a.rows; i++) {
      for (int j = 0; j < b.rows; j++) {
        String name = "c[%d, %d]".formatted(i, j);
        double value = actual[i * b.rows + j];
        if (spoiledRows[i] || spoiledColumns[j]) {
          trial.require(!Double.isFinite(value), "%s is %s: a scale is lost", name, value);
        } else {
          element(trial, a, i, b, j, name, value);
        }
      }
    }
    trial.rowsAlone(call, c);
  }

  private static void element(
      Trial trial, Operand a, int i, Operand b, int j, String name, double actual) {
    double sum = 0;
    double magnitude = 0;
    for (int p = 0; p < a.columns; p++) {
      double term = a.value(i, p) * b.value(j, p);
      sum += term;
      magnitude += Math.abs(term);
    }
    trial.requireClose(name, sum, actual, Tolerance.sum(a.columns) * magnitude);
  }
}
