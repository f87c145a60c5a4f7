package dev.yushan.backend.testkit;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;

/// A window on numbers: element `(i, j)` lies at `offset + i · rowStep + j · columnStep`.
record Matrix(
    double[] values,
    int offset,
    int rows,
    int columns,
    int rowStep,
    int columnStep,
    boolean rounded) {

  /// The elements of an F32 or I32 tensor themselves, first dimension by the rest.
  static Matrix of(Tensor tensor) {
    if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.I32) {
      throw new IllegalArgumentException("not F32 or I32: " + tensor);
    }
    ReferenceStorage storage = ReferenceStorage.of(tensor);
    return new Matrix(
        storage.numbers(),
        Math.toIntExact(tensor.byteOffset() / 4),
        Math.toIntExact(tensor.rows()),
        Math.toIntExact(tensor.columns()),
        Math.toIntExact(tensor.ld()),
        1,
        storage.rounded() && tensor.dtype() == DType.F32);
  }

  /// The values of a tensor of any type; a copy where they are not stored as numbers.
  static Matrix reading(Tensor tensor) {
    if (tensor.dtype() == DType.F32) {
      return of(tensor);
    }
    int rows = Math.toIntExact(tensor.rows());
    int columns = Math.toIntExact(tensor.columns());
    double[] values = Conversion.decode(tensor);
    return new Matrix(values, 0, rows, columns, columns, 1, false);
  }

  /// All elements of a contiguous tensor as one column.
  static Matrix vector(Tensor tensor) {
    return new Matrix(
        ReferenceStorage.of(tensor).numbers(),
        Math.toIntExact(tensor.byteOffset() / 4),
        Math.toIntExact(tensor.elements()),
        1,
        1,
        1,
        ReferenceStorage.of(tensor).rounded() && tensor.dtype() == DType.F32);
  }

  double get(int row, int column) {
    return values[offset + row * rowStep + column * columnStep];
  }

  void set(int row, int column, double value) {
    values[offset + row * rowStep + column * columnStep] = rounded ? (float) value : value;
  }

  void add(int row, int column, double value) {
    set(row, column, get(row, column) + value);
  }

  /// Element `row` of a matrix of one column.
  double get(int row) {
    return get(row, 0);
  }

  void set(int row, double value) {
    set(row, 0, value);
  }

  /// An integer element.
  int index(int row) {
    return (int) get(row, 0);
  }

  int index(int row, int column) {
    return (int) get(row, column);
  }

  /// The same elements with rows and columns exchanged.
  Matrix transposed() {
    return new Matrix(values, offset, columns, rows, columnStep, rowStep, rounded);
  }

  /// Live rows: the smallest count of `tensors`, of which each is live up to its count or its end.
  static int live(Tensor... tensors) {
    long live = Long.MAX_VALUE;
    for (Tensor tensor : tensors) {
      long rows = tensor.rows();
      if (tensor.count().isPresent()) {
        Tensor.Count count = tensor.count().get();
        rows = Math.clamp(vector(count.rows()).index(0) - count.start(), 0, rows);
      }
      live = Math.min(live, rows);
    }
    return Math.toIntExact(live);
  }

  /// Live elements: those of the live rows.
  static int liveElements(Tensor... tensors) {
    long live = Long.MAX_VALUE;
    for (Tensor tensor : tensors) {
      live = Math.min(live, live(tensor) * tensor.columns());
    }
    return Math.toIntExact(live);
  }
}
