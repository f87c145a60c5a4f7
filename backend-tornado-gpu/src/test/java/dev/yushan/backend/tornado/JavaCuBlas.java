package dev.yushan.backend.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// Stands in for libcublas: functions of C, in Java, with the signatures of `cublas_api.h` and the
/// checks that its documentation names. They refuse, or hand a call on.
final class JavaCuBlas implements AutoCloseable {
  static final int INVALID_VALUE = 7;
  static final int NOT_SUPPORTED = 15;
  static final int F32 = 0;
  static final int BF16 = 14;

  private static final long HANDLE = 0x7001;
  private static final Map<Class<?>, MemoryLayout> LAYOUTS =
      Map.of(int.class, JAVA_INT, MemorySegment.class, ADDRESS);

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

  private final Arena arena = Arena.ofShared();
  private final Map<String, MemorySegment> functions = new HashMap<>();
  private final Consumer<Call> calls;

  /// What functions answer in place of doing anything.
  final Map<String, Integer> statuses = new HashMap<>();

  /// Handles made, streams set and handles destroyed, in order.
  final List<String> handles = new ArrayList<>();

  /// @param calls takes those that are valid
  JavaCuBlas(Consumer<Call> calls) {
    this.calls = calls;
    Class<MemorySegment> pointer = MemorySegment.class;
    define("cublasCreate_v2", pointer);
    define("cublasDestroy_v2", pointer);
    define("cublasSetStream_v2", pointer, pointer);
    define(
        "cublasSgemm_v2",
        pointer,
        int.class,
        int.class,
        int.class,
        int.class,
        int.class,
        pointer,
        pointer,
        int.class,
        pointer,
        int.class,
        pointer,
        pointer,
        int.class);
    define(
        "cublasGemmEx",
        pointer,
        int.class,
        int.class,
        int.class,
        int.class,
        int.class,
        pointer,
        pointer,
        int.class,
        int.class,
        pointer,
        int.class,
        int.class,
        pointer,
        pointer,
        int.class,
        int.class,
        int.class,
        int.class);
  }

  @SuppressWarnings("restricted")
  private void define(String name, Class<?>... arguments) {
    try {
      functions.put(
          name,
          Linker.nativeLinker()
              .upcallStub(
                  MethodHandles.lookup()
                      .bind(this, name, MethodType.methodType(int.class, arguments)),
                  FunctionDescriptor.of(
                      JAVA_INT,
                      Arrays.stream(arguments).map(LAYOUTS::get).toArray(MemoryLayout[]::new)),
                  arena));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  SymbolLookup symbols() {
    return name -> Optional.ofNullable(functions.get(name));
  }

  int status(String name) {
    return statuses.getOrDefault(name, 0);
  }

  @SuppressWarnings("restricted")
  int cublasCreate_v2(MemorySegment handle) {
    if (status("cublasCreate_v2") == 0) {
      handle.reinterpret(8).set(JAVA_LONG, 0, HANDLE);
      handles.add("create");
    }
    return status("cublasCreate_v2");
  }

  int cublasDestroy_v2(MemorySegment handle) {
    handles.add("destroy");
    return handle.address() == HANDLE ? status("cublasDestroy_v2") : INVALID_VALUE;
  }

  int cublasSetStream_v2(MemorySegment handle, MemorySegment stream) {
    handles.add("stream " + stream.address());
    return handle.address() == HANDLE ? status("cublasSetStream_v2") : INVALID_VALUE;
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
    if (status("cublasSgemm_v2") != 0) {
      return status("cublasSgemm_v2");
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
    if (status("cublasGemmEx") != 0) {
      return status("cublasGemmEx");
    }
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

  @Override
  public void close() {
    arena.close();
  }
}
