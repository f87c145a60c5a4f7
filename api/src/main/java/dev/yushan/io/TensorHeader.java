package dev.yushan.io;

import dev.yushan.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/// What a file says of a tensor besides its values.
///
/// @param name for example `model.embed_tokens.weight`
/// @param type the type of its elements
/// @param dims its dimensions, slowest first; empty for a scalar
public record TensorHeader(String name, StorageType type, List<Long> dims) {
  /// Throws [IllegalArgumentException] for a negative dimension, and [ArithmeticException] for a
  /// tensor whose size in bytes does not fit a long.
  public TensorHeader {
    dims = List.copyOf(dims);
    long bytes = type.bytes();
    for (long dim : dims) {
      if (dim < 0) {
        throw new IllegalArgumentException(
            "tensor %s: negative dimension in %s".formatted(name, dims));
      }
      bytes = Math.multiplyExact(bytes, dim);
    }
  }

  /// The header of a tensor of the given shape.
  public static TensorHeader of(String name, StorageType type, Shape shape) {
    return of(name, type, shape.toArray());
  }

  /// The header of a tensor of the given dimensions.
  public static TensorHeader of(String name, StorageType type, long... dims) {
    return new TensorHeader(name, type, Arrays.stream(dims).boxed().toList());
  }

  /// The shape; `[1]` for a scalar, since a [Shape] has at least one dimension.
  public Shape shape() {
    return dims.isEmpty()
        ? Shape.of(1)
        : Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
  }

  /// Number of elements; 1 for a scalar.
  public long elements() {
    return dims.stream().reduce(1L, (product, dim) -> product * dim);
  }

  /// Bytes of all elements.
  public long bytes() {
    return elements() * type.bytes();
  }

  /// For example `lm_head.weight BF16 [512, 96]`.
  @Override
  public String toString() {
    return name + " " + type + " " + dims;
  }
}
