package dev.yushan.backend;

import dev.yushan.backend.Kernels.Op;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;

/// The fastest that a backend multiplies matrices: a limit for backends that cannot measure that of
/// their arithmetic units. What the kernel itself loses to those is not in it.
final class MatmulSpeed {
  private static final int SMALLEST = 256;
  private static final int LARGEST = 8192;

  /// Shorter products say more of the clock than of the machine.
  private static final double ENOUGH_SECONDS = 5e-3;

  private static final long PROBE_NANOS = 200_000_000;

  private MatmulSpeed() {}

  /// Operations a second of the fastest of some square F32 products. Takes about a fifth of a
  /// second, and is best called when the kernels are compiled: after training.
  static double measure(Backend backend) {
    double best = 0;
    long begin = System.nanoTime();
    int n = SMALLEST;
    while (best == 0 || System.nanoTime() - begin < PROBE_NANOS) {
      double seconds = fastest(backend, n);
      best = Math.max(best, 2.0 * n * n * n / seconds);
      if (seconds < ENOUGH_SECONDS && n < LARGEST) {
        n *= 2;
      }
    }
    return best;
  }

  /// Seconds of the faster of two products `[n, n] · [n, n]ᵀ`; the download waits for them.
  private static double fastest(Backend backend, int n) {
    try (Tensor a = backend.allocate(DType.F32, Shape.of(n, n));
        Tensor b = backend.allocate(DType.F32, Shape.of(n, n));
        Tensor c = backend.allocate(DType.F32, Shape.of(n, n))) {
      backend.kernels().fill(a, 0.5f);
      backend.kernels().fill(b, 0.25f);
      long fastest = Long.MAX_VALUE;
      for (int i = 0; i < 2; i++) {
        backend.floats(c.rows(0, 1));
        long begin = System.nanoTime();
        backend.kernels().matmul(Op.N, Op.T, 1, a, b, 0, c);
        backend.floats(c.rows(0, 1));
        fastest = Math.min(fastest, System.nanoTime() - begin);
      }
      return Math.max(1, fastest) * 1e-9;
    }
  }
}
