package example.naive;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The elements of a tensor as rows and columns.
///
/// @param offset bytes to element (0, 0)
/// @param ld elements from row to row
record Grid(MemorySegment memory, long offset, int rows, int columns, long ld) {
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  /// @throws UnsupportedOperationException for types that this backend says it does not support
  static Grid of(Tensor tensor) {
    if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.I32) {
      throw new UnsupportedOperationException("the naive backend has no " + tensor.dtype());
    }
    int rows = Math.toIntExact(tensor.rows());
    int columns = Math.toIntExact(tensor.columns());
    return new Grid(memory(tensor), tensor.byteOffset(), rows, columns, tensor.ld());
  }

  /// A contiguous tensor as one row.
  static Grid row(Tensor tensor) {
    int elements = Math.toIntExact(tensor.elements());
    return new Grid(of(tensor).memory, tensor.byteOffset(), 1, elements, elements);
  }

  static MemorySegment memory(Tensor tensor) {
    if (tensor.storage() instanceof NaiveBackend.Memory memory) {
      return memory.segment();
    }
    throw new IllegalArgumentException(tensor + " belongs to another backend");
  }

  private long at(int row, int column) {
    return offset + 4 * (row * ld + column);
  }

  float get(int row, int column) {
    return memory.get(FLOAT, at(row, column));
  }

  void set(int row, int column, double value) {
    memory.set(FLOAT, at(row, column), (float) value);
  }

  void add(int row, int column, double value) {
    set(row, column, get(row, column) + value);
  }

  /// Copies an element as it is, a number or an index.
  void setBits(int row, int column, int bits) {
    memory.set(INT, at(row, column), bits);
  }

  int index(int row, int column) {
    return memory.get(INT, at(row, column));
  }

  /// Live rows: as many as all of these have.
  static int live(Tensor... tensors) {
    long live = Long.MAX_VALUE;
    for (Tensor tensor : tensors) {
      long rows = tensor.rows();
      if (tensor.count().isPresent()) {
        Tensor.Count count = tensor.count().get();
        rows = Math.clamp(row(count.rows()).index(0, 0) - count.start(), 0, rows);
      }
      live = Math.min(live, rows);
    }
    return Math.toIntExact(live);
  }

  /// Their elements, where all have the same shape.
  static int liveElements(Tensor... tensors) {
    return Math.toIntExact(live(tensors) * tensors[0].columns());
  }
}
