package example.naive;

import dev.yushan.backend.HostBackend;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/// Elements of a tensor at equal distances in memory: what every op is made of here. Strides,
/// unaligned addresses and live counts are dealt with in this class, and nowhere else.
///
/// @param first byte of the first element
/// @param stride bytes from element to element
record Vector(MemorySegment memory, long first, int length, long stride) {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private static Vector of(Tensor t, long start, long length, long stride) {
    MemorySegment memory = HostBackend.storage(t).segment();
    return new Vector(memory, t.byteOffset() + 4 * start, Math.toIntExact(length), 4 * stride);
  }

  /// The elements of a contiguous tensor, as far as they count.
  static Vector all(Tensor t) {
    return of(t, 0, HostBackend.liveRows(t) * t.columns(), 1);
  }

  static Vector row(Tensor t, int i) {
    return of(t, i * t.ld(), t.columns(), 1);
  }

  /// A column, as far as its rows count.
  static Vector column(Tensor t, int j) {
    return of(t, j, HostBackend.liveRows(t), t.ld());
  }

  /// Part `n` of a matrix each of whose rows is cut into parts of `length`: into heads.
  static Vector part(Tensor t, int n, int length) {
    long each = t.columns() / length;
    return of(t, n / each * t.ld() + n % each * length, length, 1);
  }

  /// Rows that count in all of these tensors.
  static int live(Tensor... tensors) {
    long rows = Arrays.stream(tensors).mapToLong(HostBackend::liveRows).min().orElseThrow();
    return Math.toIntExact(rows);
  }

  double get(int i) {
    return memory.get(FLOAT, first + i * stride);
  }

  void set(int i, double value) {
    memory.set(FLOAT, first + i * stride, (float) value);
  }

  int index(int i) {
    return memory.get(INT, first + i * stride);
  }

  /// Takes the bits of another vector.
  void copy(Vector other) {
    for (int i = 0; i < Math.min(length, other.length); i++) {
      memory.set(INT, first + i * stride, other.index(i));
    }
  }

  void fill(IntToDoubleFunction element) {
    for (int i = 0; i < length; i++) {
      set(i, element.applyAsDouble(i));
    }
  }

  /// Fills this vector from two others, element by element, as far as all three go.
  void fill(Vector a, Vector b, DoubleBinaryOperator element) {
    for (int i = 0; i < Math.min(length, Math.min(a.length, b.length)); i++) {
      set(i, element.applyAsDouble(a.get(i), b.get(i)));
    }
  }

  void add(IntToDoubleFunction element) {
    fill(i -> get(i) + element.applyAsDouble(i));
  }

  double dot(Vector other) {
    return sum(Math.min(length, other.length), i -> get(i) * other.get(i));
  }

  /// Sums are doubles, which are rounded once.
  static double sum(int n, IntToDoubleFunction x) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += x.applyAsDouble(i);
    }
    return sum;
  }

  /// The log of the sum of the exponentials of `n` numbers.
  static double logSumExp(int n, IntToDoubleFunction x) {
    double largest = IntStream.range(0, n).mapToDouble(x).max().orElseThrow();
    return largest + Math.log(sum(n, i -> Math.exp(x.applyAsDouble(i) - largest)));
  }
}
