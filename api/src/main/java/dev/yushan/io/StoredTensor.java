package dev.yushan.io;

import dev.yushan.tensor.Shape;
import java.lang.foreign.MemorySegment;

/// A tensor as it lies in a mapped file.
///
/// @param header its name, type and dimensions
/// @param data its bytes, read-only, little-endian, row-major; valid until the file is closed.
///   Files not written by the usual libraries may leave it unaligned: read it through unaligned
///   layouts.
public record StoredTensor(TensorHeader header, MemorySegment data) {
  public String name() {
    return header.name();
  }

  public StorageType type() {
    return header.type();
  }

  /// The shape; `[1]` for a scalar.
  public Shape shape() {
    return header.shape();
  }

  /// Writes the elements to `target` as F32; `target` holds at least 4 × elements bytes. Throws
  /// [IllegalArgumentException] if the type is not one of real numbers.
  public void widenInto(MemorySegment target) {
    FloatFormats.widen(type(), data, target, header.elements());
  }
}
