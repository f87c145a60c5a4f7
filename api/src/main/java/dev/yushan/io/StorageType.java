package dev.yushan.io;

import dev.yushan.tensor.DType;
import java.util.Arrays;
import java.util.Optional;

/// The element types of safetensors files. All are little-endian.
///
/// The order of declaration is the order of the format's reference implementation, which puts
/// tensors of a later type first in a file, so that each is aligned to its elements.
public enum StorageType {
  /// One byte, 0 or 1.
  BOOL(1),
  /// Unsigned 8-bit integers.
  U8(1),
  /// Signed 8-bit integers.
  I8(1),
  /// 8-bit floats with 5 exponent bits: carried, never computed with.
  F8_E5M2(1),
  /// 8-bit floats with 4 exponent bits: carried, never computed with.
  F8_E4M3(1),
  /// Signed 16-bit integers.
  I16(2),
  /// Unsigned 16-bit integers.
  U16(2),
  /// IEEE 754 binary16.
  F16(2),
  /// The upper half of a binary32.
  BF16(2),
  /// Signed 32-bit integers.
  I32(4),
  /// Unsigned 32-bit integers.
  U32(4),
  /// IEEE 754 binary32.
  F32(4),
  /// IEEE 754 binary64.
  F64(8),
  /// Signed 64-bit integers.
  I64(8),
  /// Unsigned 64-bit integers.
  U64(8);

  private final int bytes;

  StorageType(int bytes) {
    this.bytes = bytes;
  }

  /// Bytes of one element.
  public int bytes() {
    return bytes;
  }

  /// Whether [FloatFormats#widen] reads the type: F64, F32, F16, BF16.
  public boolean real() {
    return this == F64 || this == F32 || this == F16 || this == BF16;
  }

  /// The tensor type with the same bytes, if there is one: F32, F16, BF16, I32.
  public Optional<DType> dtype() {
    return switch (this) {
      case F32 -> Optional.of(DType.F32);
      case F16 -> Optional.of(DType.F16);
      case BF16 -> Optional.of(DType.BF16);
      case I32 -> Optional.of(DType.I32);
      default -> Optional.empty();
    };
  }

  /// The storage type with the same bytes; throws [IllegalArgumentException] for a quantised type,
  /// which safetensors cannot hold.
  public static StorageType of(DType dtype) {
    return switch (dtype) {
      case F32 -> F32;
      case F16 -> F16;
      case BF16 -> BF16;
      case I32 -> I32;
      case Q8_0, Q4_0 ->
          throw new IllegalArgumentException(
              "safetensors files hold no %s; write F32, F16 or BF16".formatted(dtype));
    };
  }

  /// The type of that name in a safetensors header.
  public static Optional<StorageType> named(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }
}
