package dev.yushan.backend;

import dev.yushan.tensor.Tensor;

/// The queries, keys and values of the tokens of a batch, or their gradients: F32 matrices with a
/// row for each token.
///
/// @param q `[T, H · D]`, may be a column view, as may `k` and `v`
/// @param k `[T, G · D]`
/// @param v `[T, G · D]`
public record Qkv(Tensor q, Tensor k, Tensor v) {
  /// The parts of one fused matrix `[T, (H + 2G) · D]`, as views.
  public static Qkv of(Tensor fused, AttentionShape shape) {
    return new Qkv(
        fused.columns(0, shape.keysFrom()),
        fused.columns(shape.keysFrom(), shape.valuesFrom()),
        fused.columns(shape.valuesFrom(), shape.qkvColumns()));
  }
}
