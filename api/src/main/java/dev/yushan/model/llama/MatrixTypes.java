package dev.yushan.model.llama;

import dev.yushan.tensor.DType;

/// The types that the matrices of a model are kept in. Quantised files often have more bits for the
/// head, which chooses the token, than for the layers.
///
/// @param head not looked at where embedding and head are one matrix
public record MatrixTypes(DType embedding, DType layers, DType head) {
  /// One type for all.
  public static MatrixTypes all(DType type) {
    return new MatrixTypes(type, type, type);
  }

  /// Such as `Q4_0, embedding and head Q8_0`.
  @Override
  public String toString() {
    if (embedding == layers && head == layers) {
      return layers.name();
    }
    if (embedding == head) {
      return "%s, embedding and head %s".formatted(layers, head);
    }
    return embedding == layers
        ? "%s, head %s".formatted(layers, head)
        : "%s, embedding %s, head %s".formatted(layers, embedding, head);
  }
}
