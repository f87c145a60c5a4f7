package dev.yushan.backend.testkit;

import dev.yushan.backend.Kernels.Op;
import dev.yushan.tensor.Tensor;

/// The matrix product.
final class LinearAlgebra {
  private LinearAlgebra() {}

  static void matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    Matrix left = opA == Op.N ? Matrix.reading(a) : Matrix.reading(a).transposed();
    Matrix right = opB == Op.N ? Matrix.reading(b) : Matrix.reading(b).transposed();
    Matrix result = Matrix.of(c);
    int m = opA == Op.N ? Matrix.live(c, a) : Matrix.live(c);
    int k = inner(opA, opB, a, b);
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < result.columns(); j++) {
        double sum = 0;
        for (int p = 0; p < k; p++) {
          sum += left.get(i, p) * right.get(p, j);
        }
        result.set(i, j, beta == 0 ? alpha * sum : alpha * sum + beta * result.get(i, j));
      }
    }
  }

  /// The length of the sums: a dimension that is a first one ends at its live count.
  private static int inner(Op opA, Op opB, Tensor a, Tensor b) {
    if (opA == Op.N) {
      return Math.toIntExact(a.columns());
    }
    return opB == Op.N ? Matrix.live(a, b) : Matrix.live(a);
  }
}
