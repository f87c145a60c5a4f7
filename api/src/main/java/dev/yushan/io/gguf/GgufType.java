package dev.yushan.io.gguf;

import dev.yushan.tensor.DType;
import java.util.Arrays;
import java.util.Optional;

/// The element types of GGUF files that are read, and the names of those that are not.
///
/// Source: `ggml_type` in ggml's `ggml.h`.
public enum GgufType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  Q4_0(2, 32, 18),
  Q4_1(3, 32, 20),
  Q5_0(6, 32, 22),
  Q5_1(7, 32, 24),
  Q8_0(8, 32, 34),
  Q2_K(10, 256, 84),
  Q3_K(11, 256, 110),
  Q4_K(12, 256, 144),
  Q5_K(13, 256, 176),
  Q6_K(14, 256, 210),
  BF16(30, 1, 2);

  private final int code;
  private final int blockLength;
  private final int blockBytes;

  GgufType(int code, int blockLength, int blockBytes) {
    this.code = code;
    this.blockLength = blockLength;
    this.blockBytes = blockBytes;
  }

  /// Its number in a file.
  public int code() {
    return code;
  }

  /// Elements of a row that share a scale; 1 for floats.
  public int blockLength() {
    return blockLength;
  }

  /// Bytes of so many elements, a whole number of blocks.
  public long bytes(long elements) {
    return Math.multiplyExact(elements / blockLength, (long) blockBytes);
  }

  /// The tensor type with the same bytes, if there is one.
  public Optional<DType> dtype() {
    return Arrays.stream(DType.values()).filter(type -> type.name().equals(name())).findFirst();
  }

  /// The type with the bytes of a tensor type.
  public static GgufType of(DType dtype) {
    return valueOf(dtype.name());
  }

  static Optional<GgufType> of(int code) {
    return Arrays.stream(values()).filter(type -> type.code == code).findFirst();
  }
}
