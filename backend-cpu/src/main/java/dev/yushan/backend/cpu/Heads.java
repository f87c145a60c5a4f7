package dev.yushan.backend.cpu;

import dev.yushan.backend.Qkv;

/// Queries, keys and values, or their gradients, for the kernels of this package.
///
/// @param q `[T, H · D]`
/// @param k `[T, G · D]`, or pages `[pages · pageLength, G · D]`, as `v`
record Heads(Matrix q, Matrix k, Matrix v) {
  static Heads of(Qkv parts) {
    return new Heads(Matrix.of(parts.q()), Matrix.of(parts.k()), Matrix.of(parts.v()));
  }

  /// Rows that count in all three, where they are not pages.
  int rows() {
    return Math.min(q.rows(), Math.min(k.rows(), v.rows()));
  }
}
