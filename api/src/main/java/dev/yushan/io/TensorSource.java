package dev.yushan.io;

import java.lang.foreign.Arena;
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

  /// The elements of a stored tensor as `type`: the bytes as they are where that is its type, else
  /// converted through F32 to F32, F16 or BF16, rounded to nearest even.
  ///
  /// @throws IllegalArgumentException from [#fill], naming the element, if one is not finite as
  ///   `type`: F16 ends at 65504
  static TensorSource converted(StoredTensor tensor, StorageType type) {
    StorageType stored = tensor.type();
    if (stored == type) {
      return of(tensor.data());
    }
    return (offset, piece) -> {
      long first = offset / type.bytes();
      long count = piece.byteSize() / type.bytes();
      MemorySegment from = tensor.data().asSlice(first * stored.bytes(), count * stored.bytes());
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment wide = arena.allocate(count * Float.BYTES, Float.BYTES);
        FloatFormats.widen(stored, from, wide, count);
        FloatFormats.narrow(type, wide, piece, count);
      }
      FloatFormats.requireFinite(tensor.name(), first, type, piece, count);
    };
  }
}
