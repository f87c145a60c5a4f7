package dev.yushan.backend.testkit;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleSupplier;
import java.util.function.IntToDoubleFunction;

/// A backend on trial beside the reference: makes operands for both, calls both, and compares.
///
/// What [#run] checks of every call: nothing outside of the outputs is written, and a second call
/// gives the same bits. A trial is a sequence of cases; [#begin] starts the next.
public final class Trial implements AutoCloseable {
  /// An op on operands, to be called on either side: `(k, of) -> k.add(of.it(a), of.it(b), …)`.
  interface Call {
    void on(Kernels kernels, Binding of);
  }

  /// Gives the tensor of an operand on one side.
  interface Binding {
    Tensor it(Operand operand);
  }

  private static final int[] SIZES = {
    1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 32, 33, 47, 61, 64, 67, 97, 127, 128, 131, 257
  };

  private final Backend backend;
  private final ReferenceBackend plain = ReferenceBackend.float64();
  private final Backend reference = Backends.checked(plain);
  private final long seed;
  private final SplittableRandom random;
  private final List<Operand> operands = new ArrayList<>();
  private Layout layout = Layout.PLAIN;
  private String description = "";
  private long digest;

  /// A trial of `backend`, all of whose shapes and values follow from `seed`.
  public Trial(Backend backend, long seed) {
    this.backend = Backends.checked(backend);
    this.seed = seed;
    this.random = new SplittableRandom(seed);
  }

  /// Whether shapes beyond the quick ones are asked for: `-Dyushan.thorough=true`.
  static boolean thorough() {
    return Boolean.getBoolean("yushan.thorough");
  }

  /// A hash of all results so far: equal on two backends whose results are equal to the bit.
  public long digest() {
    return digest;
  }

  /// Adds results that [#run] did not see.
  void digest(float[] results) {
    digest = 31 * digest + Arrays.hashCode(results);
  }

  /// Whether the backend takes weights and pages of this type.
  boolean supports(DType dtype) {
    return switch (dtype) {
      case F16, BF16 -> backend.supports(Feature.HALF_WEIGHTS);
      case Q8_0, Q4_0 -> backend.supports(Feature.QUANTISED_WEIGHTS);
      case F32, I32 -> true;
    };
  }

  Backend backend() {
    return backend;
  }

  SplittableRandom random() {
    return random;
  }

  /// Starts a case: frees the operands of the last one.
  void begin(Layout operandLayout, String format, Object... arguments) {
    free();
    layout = operandLayout;
    description = format.formatted(arguments) + " " + operandLayout;
  }

  private void free() {
    operands.forEach(Operand::close);
    operands.clear();
  }

  // ---- operands --------------------------------------------------------------------------------

  /// A length from the list of awkward ones, up to `limit`.
  int size(int limit) {
    int size;
    do {
      size = SIZES[random.nextInt(SIZES.length)];
    } while (size > limit);
    return size;
  }

  double[] normal(int n) {
    return draw(n, random::nextGaussian);
  }

  double[] draw(int n, DoubleSupplier values) {
    double[] drawn = new double[n];
    Arrays.setAll(drawn, i -> (float) values.getAsDouble());
    return drawn;
  }

  /// An F32 matrix with these values.
  Operand real(String name, Operand.Kind kind, int rows, int columns, double[] values) {
    return operand(name, DType.F32, kind, rows, columns, values);
  }

  /// An F32 matrix of standard normal values.
  Operand real(String name, Operand.Kind kind, int rows, int columns) {
    return real(name, kind, rows, columns, normal(rows * columns));
  }

  /// An output: F32, full of NaN.
  Operand output(String name, Operand.Kind kind, int rows, int columns) {
    return real(name, kind, rows, columns, draw(rows * columns, () -> Double.NaN));
  }

  /// An I32 column of values.
  Operand ints(String name, Operand.Kind kind, int... values) {
    return operand(
        name, DType.I32, kind, values.length, 1, Arrays.stream(values).asDoubleStream().toArray());
  }

  Operand operand(
      String name, DType dtype, Operand.Kind kind, int rows, int columns, double[] values) {
    Operand operand =
        new Operand(name, dtype, rows, columns, values, kind, layout, backend, reference);
    operands.add(operand);
    return operand;
  }

  /// A quantised matrix of these blocks.
  Operand stored(
      String name, DType dtype, Operand.Kind kind, int rows, int columns, byte[] blocks) {
    Operand operand = operand(name, dtype, kind, rows, columns, new double[rows * columns]);
    operand.store(blocks);
    return operand;
  }

  // ---- calls -----------------------------------------------------------------------------------

  /// Calls both sides, the tested one twice.
  void run(Call call, Operand... outputs) {
    reference(call);
    runUnreferenced(call, outputs);
  }

  /// Calls the reference.
  void reference(Call call) {
    try {
      call.on(reference.kernels(), Operand::expected);
    } catch (RuntimeException e) {
      throw new IllegalStateException(where() + " failed on the reference", e);
    }
  }

  /// Calls the tested side twice.
  void runUnreferenced(Call call, Operand... outputs) {
    try {
      call.on(backend.kernels(), Operand::tensor);
      List<byte[]> first = operands.stream().map(Operand::bytes).toList();
      List<Operand> written = List.of(outputs);
      for (int i = 0; i < operands.size(); i++) {
        Operand operand = operands.get(i);
        boolean output = written.contains(operand);
        boolean intact =
            output ? operand.guardsIntact(first.get(i)) : operand.unchanged(first.get(i));
        require(intact, "%s was written %s", operand.name, output ? "outside its rows" : "to");
      }
      for (Operand output : outputs) {
        digest = 31 * digest + Arrays.hashCode(output.actual());
      }
      List<double[]> values = written.stream().map(Operand::actual).toList();
      reset();
      call.on(backend.kernels(), Operand::tensor);
      for (int i = 0; i < outputs.length; i++) {
        sameBits("a second call", outputs[i], values.get(i), outputs[i].actual());
      }
    } catch (RuntimeException e) {
      throw new AssertionError(where() + " threw " + e, e);
    }
  }

  /// Gives all operands their first values again on the tested side.
  void reset() {
    operands.forEach(Operand::reset);
  }

  /// After [#run]: each of a few rows, computed alone, has the bits that it had among the others.
  void rowsAlone(Call call, Operand... outputs) {
    List<double[]> together = Arrays.stream(outputs).map(Operand::actual).toList();
    int rows = outputs[0].rows;
    for (int row : new int[] {0, rows / 2, rows - 1}) {
      reset();
      call.on(
          backend.kernels(),
          operand -> operand.perToken ? operand.tensor().rows(row, row + 1) : operand.tensor());
      for (int i = 0; i < outputs.length; i++) {
        int columns = outputs[i].columns;
        int from = row * columns;
        sameBits(
            "row " + row + " alone",
            outputs[i],
            Arrays.copyOfRange(together.get(i), from, from + columns),
            Arrays.copyOfRange(outputs[i].actual(), from, from + columns));
      }
    }
  }

  // ---- comparisons -----------------------------------------------------------------------------

  double[] expected(Operand operand) {
    return operand.expectedValues(plain);
  }

  /// The result is the reference's, rounded once.
  void exact(Operand operand) {
    double[] expected = expected(operand);
    double[] actual = operand.actual();
    for (int i = 0; i < expected.length; i++) {
      float rounded = (float) expected[i];
      if (rounded != actual[i] && !(Double.isNaN(rounded) && Double.isNaN(actual[i]))) {
        throw fail("%s is %s, not %s", at(operand, i), actual[i], rounded);
      }
    }
  }

  /// Element i of the result is within `bound(i)` of the reference; NaN and infinity are equal.
  void close(Operand operand, IntToDoubleFunction bound) {
    double[] expected = expected(operand);
    double[] actual = operand.actual();
    for (int i = 0; i < expected.length; i++) {
      double allowed = Double.isFinite(expected[i]) ? bound.applyAsDouble(i) : 0;
      if (!near(expected[i], actual[i], allowed)) {
        throw fail(
            "%s is %s, not %s: off by more than %s",
            at(operand, i), actual[i], expected[i], allowed);
      }
    }
  }

  /// A number computed from results is within `bound`.
  void requireClose(String what, double expected, double actual, double bound) {
    if (!near(expected, actual, bound)) {
      throw fail("%s is %s, not %s: off by more than %s", what, actual, expected, bound);
    }
  }

  private static boolean near(double expected, double actual, double bound) {
    if (!Double.isFinite(expected)) {
      return Double.compare(expected, actual) == 0;
    }
    double allowed = Double.isFinite(bound) ? bound + Tolerance.TINY : Double.MAX_VALUE;
    return Math.abs(expected - actual) <= allowed;
  }

  void sameBits(String what, Operand operand, double[] expected, double[] actual) {
    for (int i = 0; i < expected.length; i++) {
      if (Double.compare(expected[i], actual[i]) != 0) {
        throw fail("%s: %s is %s, was %s", what, at(operand, i), actual[i], expected[i]);
      }
    }
  }

  private static String at(Operand operand, int i) {
    return "%s[%d, %d]".formatted(operand.name, i / operand.columns, i % operand.columns);
  }

  void require(boolean holds, String format, Object... arguments) {
    if (!holds) {
      throw fail(format, arguments);
    }
  }

  private AssertionError fail(String format, Object... arguments) {
    return new AssertionError(where() + ": " + format.formatted(arguments));
  }

  private String where() {
    return "%s (seed %d)".formatted(description, seed);
  }

  @Override
  public void close() {
    free();
    plain.close();
  }
}
