package dev.yushan.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import dev.yushan.backend.HostBackend;
import dev.yushan.backend.HostStorage;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// What a kernel needs of a tensor: its memory from the first element on, the live rows, the
/// columns and the row stride.
///
/// @param memory from the first element to the last
/// @param rows rows that count
/// @param columns elements of a row
/// @param ld elements from row to row
/// @param packed whether it is arranged as [Packed] says, and no longer row by row
record Matrix(DType dtype, MemorySegment memory, int rows, int columns, long ld, boolean packed) {

  static Matrix of(Tensor t) {
    return of(t, HostBackend.memory(t), false);
  }

  /// The transposed B of a product, or a table of rows: what may be packed.
  static Matrix weight(Tensor t) {
    HostStorage storage = HostBackend.storage(t);
    if (!storage.frozen()) {
      return of(t);
    }
    if (t.bytes() != storage.bytes()) {
      throw new IllegalStateException("only the whole of a frozen matrix can be read, not " + t);
    }
    return of(t, storage.segment(), true);
  }

  private static Matrix of(Tensor t, MemorySegment memory, boolean packed) {
    int rows = Math.toIntExact(HostBackend.liveRows(t));
    int columns = Math.toIntExact(t.columns());
    return new Matrix(t.dtype(), memory, rows, columns, t.ld(), packed);
  }

  /// The elements of a contiguous tensor one after the other, however many.
  static Matrix flat(Tensor t) {
    return new Matrix(t.dtype(), HostBackend.memory(t), 0, 0, 0, false);
  }

  /// Rows that count in all of these.
  static int live(Tensor... tensors) {
    return Math.toIntExact(
        Arrays.stream(tensors).mapToLong(HostBackend::liveRows).min().orElseThrow());
  }

  /// Elements that count in all of these contiguous tensors.
  static long liveElements(Tensor... tensors) {
    return Arrays.stream(tensors)
        .mapToLong(t -> HostBackend.liveRows(t) * t.columns())
        .min()
        .orElseThrow();
  }

  /// The same with fewer rows.
  Matrix withRows(int live) {
    return new Matrix(dtype, memory, live, columns, ld, packed);
  }

  /// The same without the first rows, of one that is not packed.
  Matrix from(int row) {
    return new Matrix(dtype, memory.asSlice(row(row)), rows - row, columns, ld, packed);
  }

  /// Rows that lie in groups of [Packed]; the rest lie one after the other.
  int packedRows() {
    int width = Packed.width(dtype);
    return packed ? rows / width * width : 0;
  }

  /// Where a row, or a group of packed ones, starts in [#memory], in bytes.
  long row(long index) {
    return dtype.bytes(index * ld);
  }

  /// Where an element starts, in bytes; `column` is the first of a block.
  long at(long row, long column) {
    return dtype.bytes(row * ld + column);
  }

  float get(long row, long column) {
    return memory.get(JAVA_FLOAT_UNALIGNED, (row * ld + column) * Float.BYTES);
  }
}
