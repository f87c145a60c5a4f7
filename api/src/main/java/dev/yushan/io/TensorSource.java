package dev.yushan.io;

import java.lang.foreign.MemorySegment;

/// Supplies the bytes of a tensor piece by piece, so that a writer never holds a second copy of it.
@FunctionalInterface
public interface TensorSource {
  /// Fills `piece` with the tensor's bytes from byte `offset` on. Called once for each piece, in
  /// ascending order. A piece is whole rows wherever a row fits the writer's buffer (4 MiB), else
  /// whole elements of one row.
  void fill(long offset, MemorySegment piece);

  /// The bytes of `data` as they are.
  static TensorSource of(MemorySegment data) {
    return (offset, piece) -> MemorySegment.copy(data, offset, piece, 0, piece.byteSize());
  }

  /// F32 elements of `data`, written as `type` (F32, F16 or BF16, rounded to nearest even).
  static TensorSource narrowed(MemorySegment data, StorageType type) {
    return (offset, piece) -> {
      long first = offset / type.bytes();
      long count = piece.byteSize() / type.bytes();
      FloatFormats.narrow(
          type, data.asSlice(first * Float.BYTES, count * Float.BYTES), piece, count);
    };
  }
}
