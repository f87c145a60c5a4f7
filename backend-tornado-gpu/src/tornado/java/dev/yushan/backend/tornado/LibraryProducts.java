package dev.yushan.backend.tornado;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;

/// Products that [CuBlas] computes.
///
/// A call of it knows sizes of the host alone, no live counts. Rows of the result past its count
/// are computed from whatever is there, and nobody reads them. Where sums run over counted rows,
/// those past the count are zeroed first, if nobody else has them; if not, our kernel stays.
///
/// Weights of BF16 meet rows of F32, and cuBLAS takes both operands of one type. A float is the sum
/// of three BF16 numbers, so the rows are split into three matrices, whose products are added up:
/// nothing is rounded but sums. They lie in memory that is taken once, and rows that do not fit in
/// at once come in pieces.
final class LibraryProducts {
  private static final int PARTS = 3;

  /// Bytes for the parts of rows, at most.
  private static final long MOST = 64L << 20;

  /// Threads that zero what is mostly nothing.
  private static final long MOST_THREADS = 1 << 15;

  private final TornadoKernels.Target target;
  private final Tensor scratch;

  /// @param backend for its memory, of which an eighth is taken at most
  LibraryProducts(Backend backend, TornadoKernels.Target target) {
    this.target = target;
    long bytes = Math.min(MOST, backend.availableBytes() / 8);
    scratch = backend.allocate(DType.BF16, Shape.of(Math.max(1, bytes / Short.BYTES)));
  }

  /// Computes `c = alpha · op(a) · op(b) + beta · c`, if that is to be done here.
  ///
  /// @return whether it was
  boolean matmul(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    long k = opA == Op.N ? a.columns() : a.rows();
    // a library refuses strides of 0
    if (c.rows() <= MatmulRows.FEW || c.columns() == 0 || k == 0) {
      return false;
    }
    return switch (b.dtype()) {
      case F32 -> single(opA, opB, alpha, a, b, beta, c);
      case BF16 -> opA == Op.N && half(opB, alpha, a, b, beta, c);
      case F16, Q8_0, Q4_0, I32 -> false;
    };
  }

  private boolean single(Op opA, Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    boolean counted = a.count().isPresent() || opB == Op.N && b.count().isPresent();
    if (opA == Op.T && counted) {
      if (opB == Op.T || !sameCount(a, b)) {
        return false;
      }
      zeroTail(a);
      zeroTail(b);
    }
    long rows = opA == Op.N ? Math.min(a.rows(), c.rows()) : c.rows();
    long k = opA == Op.N ? a.columns() : a.rows();
    launch(1, rows, k, alpha, matrix(a, opA), matrix(b, opB), beta, c);
    return true;
  }

  private static boolean sameCount(Tensor a, Tensor b) {
    return a.count().isPresent()
        && b.count().isPresent()
        && a.count().get().start() == b.count().get().start()
        && TornadoBackend.at(a.count().get().rows()) == TornadoBackend.at(b.count().get().rows());
  }

  /// Rows past a count hold anything, and a sum over all rows must not see it.
  private void zeroTail(Tensor x) {
    long threads = Math.min(x.rows() * x.columns(), MOST_THREADS);
    new Call(target, Kernel.ZERO_TAIL)
        .rows(x)
        .value(x.rows())
        .columns(x)
        .strided(x)
        .value(threads)
        .forElements(threads);
  }

  private boolean half(Op opB, float alpha, Tensor a, Tensor b, float beta, Tensor c) {
    long k = a.columns();
    long piece = Math.min(c.rows(), scratch.elements() / (PARTS * k));
    if (piece <= MatmulRows.FEW) {
      return false;
    }
    for (long from = 0; from < c.rows(); from += piece) {
      long to = Math.min(c.rows(), from + piece);
      Tensor rows = a.rows(from, to);
      new Call(target, Kernel.SPLIT)
          .rows(rows)
          .columns(rows)
          .strided(rows)
          .tensors(scratch)
          .value((to - from) * k)
          .forElements((to - from) * k);
      Gemm.Matrix parts = Gemm.Matrix.of(TornadoBackend.at(scratch), k, false);
      launch(PARTS, to - from, k, alpha, parts, matrix(b, opB), beta, c.rows(from, to));
    }
    return true;
  }

  private static Gemm.Matrix matrix(Tensor tensor, Op op) {
    return Gemm.Matrix.of(TornadoBackend.at(tensor), tensor.ld(), op == Op.T);
  }

  private void launch(
      int parts, long m, long k, float alpha, Gemm.Matrix a, Gemm.Matrix b, float beta, Tensor c) {
    Gemm product =
        new Gemm(
            parts,
            Math.toIntExact(m),
            Math.toIntExact(c.columns()),
            Math.toIntExact(k),
            alpha,
            a,
            b,
            beta,
            matrix(c, Op.N));
    target.launch(Kernel.CUBLAS, product.parameters(), 1);
  }
}
