package dev.yushan.backend.tornado;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Stands in for libcublas: functions of C, in Java, with the signatures of `cublas_api.h` and the
/// checks that its documentation names. They refuse, or hand a call on.
final class JavaCuBlas extends JavaLibrary {
  static final int INVALID_VALUE = 7;
  static final int NOT_SUPPORTED = 15;
  static final int F32 = 0;
  static final int BF16 = 14;

  private static final long HANDLE = 0x7001;

  /// A call of `cublasSgemm` or `cublasGemmEx`, column-major, with its scalars read.
  record Call(
      int transA,
      int transB,
      int m,
      int n,
      int k,
      float alpha,
      long a,
      int typeA,
      int lda,
      long b,
      int typeB,
      int ldb,
      float beta,
      long c,
      int ldc) {
    /// How many elements an operand takes from its first to its last: a, b or c.
    int elements(char operand) {
      return switch (operand) {
        case 'a' -> (transA == 0 ? k - 1 : m - 1) * lda + (transA == 0 ? m : k);
        case 'b' -> (transB == 0 ? n - 1 : k - 1) * ldb + (transB == 0 ? k : n);
        default -> (n - 1) * ldc + m;
      };
    }

    /// The documented result, on operands from their first elements on: element (i, j) of a
    /// column-major matrix lies at `i + j · ld`.
    void compute(float[] a, float[] b, float[] c) {
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int l = 0; l < k; l++) {
            sum +=
                (double) a[transA == 0 ? i + l * lda : l + i * lda]
                    * b[transB == 0 ? l + j * ldb : j + l * ldb];
          }
          int at = i + j * ldc;
          c[at] = (float) (beta == 0 ? alpha * sum : alpha * sum + (double) beta * c[at]);
        }
      }
    }

    private boolean valid() {
      return m >= 0
          && n >= 0
          && k >= 0
          && lda >= Math.max(1, transA == 0 ? m : k)
          && ldb >= Math.max(1, transB == 0 ? k : n)
          && ldc >= Math.max(1, m);
    }
  }

  private final Consumer<Call> calls;

  /// Handles made, streams set and handles destroyed, in order.
  final List<String> handles = new ArrayList<>();

  /// @param calls takes those that are valid
  JavaCuBlas(Consumer<Call> calls) {
    super("cublas");
    this.calls = calls;
  }

  @SuppressWarnings("restricted")
  int cublasCreate_v2(MemorySegment handle) {
    handle.reinterpret(8).set(JAVA_LONG, 0, HANDLE);
    handles.add("create");
    return 0;
  }

  int cublasDestroy_v2(MemorySegment handle) {
    handles.add("destroy");
    return handle.address() == HANDLE ? 0 : INVALID_VALUE;
  }

  int cublasSetStream_v2(MemorySegment handle, MemorySegment stream) {
    handles.add("stream " + stream.address());
    return handle.address() == HANDLE ? 0 : INVALID_VALUE;
  }

  int cublasSgemm_v2(
      MemorySegment handle,
      int transA,
      int transB,
      int m,
      int n,
      int k,
      MemorySegment alpha,
      MemorySegment a,
      int lda,
      MemorySegment b,
      int ldb,
      MemorySegment beta,
      MemorySegment c,
      int ldc) {
    return take(
        handle,
        new Call(
            transA,
            transB,
            m,
            n,
            k,
            scalar(alpha),
            a.address(),
            F32,
            lda,
            b.address(),
            F32,
            ldb,
            scalar(beta),
            c.address(),
            ldc));
  }

  int cublasGemmEx(
      MemorySegment handle,
      int transA,
      int transB,
      int m,
      int n,
      int k,
      MemorySegment alpha,
      MemorySegment a,
      int typeA,
      int lda,
      MemorySegment b,
      int typeB,
      int ldb,
      MemorySegment beta,
      MemorySegment c,
      int typeC,
      int ldc,
      int computeType,
      int algorithm) {
    // CUBLAS_COMPUTE_32F takes BF16 with results of F32; CUBLAS_GEMM_DEFAULT is -1
    if (typeA != BF16 || typeB != BF16 || typeC != F32 || computeType != 68 || algorithm != -1) {
      return NOT_SUPPORTED;
    }
    return take(
        handle,
        new Call(
            transA,
            transB,
            m,
            n,
            k,
            scalar(alpha),
            a.address(),
            typeA,
            lda,
            b.address(),
            typeB,
            ldb,
            scalar(beta),
            c.address(),
            ldc));
  }

  @SuppressWarnings("restricted")
  private static float scalar(MemorySegment at) {
    return at.reinterpret(4).get(JAVA_FLOAT, 0);
  }

  private int take(MemorySegment handle, Call call) {
    if (handle.address() != HANDLE || !call.valid()) {
      return INVALID_VALUE;
    }
    calls.accept(call);
    return 0;
  }
}
