package dev.yushan.tensor;

/// The element types a tensor can hold.
///
/// A quantised type stores `blockLength` neighbouring elements of a row as one block (the GGUF
/// layouts of the same names), so its rows are a multiple of `blockLength` long.
public enum DType {
  /// IEEE 754 binary32: parameters under training, gradients, moments, activations.
  F32(1, 4),
  /// IEEE 754 binary16: storage only, widened to F32 where it is read.
  F16(1, 2),
  /// The upper half of a binary32: storage only, widened to F32 where it is read.
  BF16(1, 2),
  /// Signed 32-bit integers: token ids, positions, offsets, counts.
  I32(1, 4),
  /// 32 signed bytes and one F16 scale.
  Q8_0(32, 34),
  /// 32 four-bit values (offset 8) and one F16 scale.
  Q4_0(32, 18);

  private final int blockLength;
  private final int blockBytes;

  DType(int blockLength, int blockBytes) {
    this.blockLength = blockLength;
    this.blockBytes = blockBytes;
  }

  /// Elements in one block; 1 unless the type is quantised.
  public int blockLength() {
    return blockLength;
  }

  /// Bytes of one block.
  public int blockBytes() {
    return blockBytes;
  }

  /// Whether elements share a block, so that a single one cannot be written.
  public boolean quantised() {
    return blockLength > 1;
  }

  /// Whether the type holds real numbers rather than integers.
  public boolean real() {
    return this != I32;
  }

  /// Bytes that `elements` take; `elements` must be a multiple of [#blockLength()].
  public long bytes(long elements) {
    if (elements % blockLength != 0) {
      throw new IllegalArgumentException(
          "%s stores blocks of %d elements; %d is not a multiple of it"
              .formatted(this, blockLength, elements));
    }
    return Math.multiplyExact(elements / blockLength, (long) blockBytes);
  }
}
