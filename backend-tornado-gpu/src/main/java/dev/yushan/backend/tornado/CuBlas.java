package dev.yushan.backend.tornado;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.yushan.backend.BackendException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Map;

/// The functions of NVIDIA's cuBLAS that products take, with 32-bit sizes
/// (<https://docs.nvidia.com/cuda/cublas>).
///
/// cuBLAS is column-major, and a row-major matrix is its transpose there, with the same stride. So
/// `c = op(a) · op(b)` is computed as `cᵀ = op(b)ᵀ · op(a)ᵀ`: the operands change places, and each
/// keeps its op. Sums are F32 (TF32 is not allowed), in an order that cuBLAS chooses by the shape.
final class CuBlas {
  /// Newer ones first; the name without a number is there if headers are installed.
  private static final List<String> NAMES =
      List.of("libcublas.so.13", "libcublas.so.12", "libcublas.so");

  /// Values of `cudaDataType_t`, `cublasComputeType_t` and `cublasGemmAlgo_t`.
  private static final int REAL_F32 = 0;

  private static final int REAL_BF16 = 14;
  private static final int COMPUTE_F32 = 68;
  private static final int ALGORITHM_DEFAULT = -1;

  private static final Map<Integer, String> STATUS =
      Map.of(
          1, "not initialized",
          3, "allocation failed",
          7, "invalid value",
          8, "architecture mismatch",
          11, "mapping error",
          13, "execution failed",
          14, "internal error",
          15, "not supported",
          16, "license error");

  private final MethodHandle create;
  private final MethodHandle destroy;
  private final MethodHandle setStream;
  private final MethodHandle sgemm;
  private final MethodHandle gemmEx;

  /// @param symbols where the functions are
  /// @throws BackendException if one is not there
  CuBlas(SymbolLookup symbols) {
    create = function(symbols, "cublasCreate_v2", ADDRESS);
    destroy = function(symbols, "cublasDestroy_v2", ADDRESS);
    setStream = function(symbols, "cublasSetStream_v2", ADDRESS, ADDRESS);
    sgemm =
        function(
            symbols,
            "cublasSgemm_v2",
            ADDRESS, // handle
            JAVA_INT, // op of the first operand
            JAVA_INT, // op of the second
            JAVA_INT, // rows of the result
            JAVA_INT, // its columns
            JAVA_INT, // length of sums
            ADDRESS, // alpha
            ADDRESS, // first operand
            JAVA_INT, // its stride
            ADDRESS, // second operand
            JAVA_INT, // its stride
            ADDRESS, // beta
            ADDRESS, // result
            JAVA_INT); // its stride
    gemmEx =
        function(
            symbols,
            "cublasGemmEx",
            ADDRESS, // handle
            JAVA_INT, // op of the first operand
            JAVA_INT, // op of the second
            JAVA_INT, // rows of the result
            JAVA_INT, // its columns
            JAVA_INT, // length of sums
            ADDRESS, // alpha
            ADDRESS, // first operand
            JAVA_INT, // its type
            JAVA_INT, // its stride
            ADDRESS, // second operand
            JAVA_INT, // its type
            JAVA_INT, // its stride
            ADDRESS, // beta
            ADDRESS, // result
            JAVA_INT, // its type
            JAVA_INT, // its stride
            JAVA_INT, // type of sums
            JAVA_INT); // algorithm
  }

  /// Loads the library.
  ///
  /// @throws BackendException if it is not there, saying what would help
  static CuBlas load() {
    return NativeLibrary.first(NAMES)
        .map(CuBlas::new)
        .orElseThrow(
            () ->
                new BackendException(
                    ("--experimental-cuda needs cuBLAS, and none of %s can be loaded: install"
                            + " libcublas of the CUDA toolkit or let LD_LIBRARY_PATH name its"
                            + " directory, or leave --experimental-cuda out")
                        .formatted(String.join(", ", NAMES))));
  }

  private static MethodHandle function(
      SymbolLookup symbols, String name, MemoryLayout... arguments) {
    return NativeLibrary.function(symbols, name, arguments)
        .orElseThrow(
            () ->
                new BackendException(
                    ("--experimental-cuda: the cuBLAS that was found has no %s; install that of"
                            + " CUDA 12 or 13, or leave --experimental-cuda out")
                        .formatted(name)));
  }

  /// Makes a handle, for the device whose context this thread has.
  ///
  /// @param stream what calls with it are put into
  MemorySegment open(long stream) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment place = arena.allocate(ADDRESS);
      check((int) create.invokeExact(place), "cublasCreate");
      MemorySegment handle = place.get(ADDRESS, 0);
      setStream(handle, stream);
      return handle;
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  /// Has calls with a handle put into another stream.
  void setStream(MemorySegment handle, long stream) {
    try {
      check(
          (int) setStream.invokeExact(handle, MemorySegment.ofAddress(stream)), "cublasSetStream");
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  void close(MemorySegment handle) {
    try {
      check((int) destroy.invokeExact(handle), "cublasDestroy");
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  /// Puts a product into the stream of a handle.
  ///
  /// @param floats device address of the lane of floats, as `shorts` of that of shorts
  void product(MemorySegment handle, Gemm product, long floats, long shorts) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment alpha = arena.allocateFrom(JAVA_FLOAT, product.alpha());
      MemorySegment beta = arena.allocateFrom(JAVA_FLOAT, product.beta());
      if (product.parts() == 1) {
        single(handle, product, alpha, beta, floats);
      } else {
        MemorySegment one = arena.allocateFrom(JAVA_FLOAT, 1);
        for (int part = 0; part < product.parts(); part++) {
          half(handle, product, part, alpha, part == 0 ? beta : one, floats, shorts);
        }
      }
    } catch (Throwable e) {
      throw NativeLibrary.thrown(e);
    }
  }

  private void single(
      MemorySegment handle, Gemm of, MemorySegment alpha, MemorySegment beta, long floats)
      throws Throwable {
    int status =
        (int)
            sgemm.invokeExact(
                handle,
                op(of.b()),
                op(of.a()),
                of.n(),
                of.m(),
                of.k(),
                alpha,
                element(floats, of.b().at(), Float.BYTES),
                of.b().ld(),
                element(floats, of.a().at(), Float.BYTES),
                of.a().ld(),
                beta,
                element(floats, of.c().at(), Float.BYTES),
                of.c().ld());
    check(status, "cublasSgemm of " + of);
  }

  private void half(
      MemorySegment handle,
      Gemm of,
      int part,
      MemorySegment alpha,
      MemorySegment beta,
      long floats,
      long shorts)
      throws Throwable {
    long a = of.a().at() + (long) part * of.m() * of.k();
    int status =
        (int)
            gemmEx.invokeExact(
                handle,
                op(of.b()),
                op(of.a()),
                of.n(),
                of.m(),
                of.k(),
                alpha,
                element(shorts, of.b().at(), Short.BYTES),
                REAL_BF16,
                of.b().ld(),
                element(shorts, a, Short.BYTES),
                REAL_BF16,
                of.a().ld(),
                beta,
                element(floats, of.c().at(), Float.BYTES),
                REAL_F32,
                of.c().ld(),
                COMPUTE_F32,
                ALGORITHM_DEFAULT);
    check(status, "cublasGemmEx of " + of);
  }

  private static int op(Gemm.Matrix matrix) {
    return matrix.transposed() ? 1 : 0;
  }

  private static MemorySegment element(long lane, long at, int bytes) {
    return MemorySegment.ofAddress(lane + at * bytes);
  }

  private static void check(int status, String what) {
    if (status != 0) {
      throw new BackendException(
          "--experimental-cuda: %s failed with status %d (%s); leave --experimental-cuda out"
              .formatted(what, status, STATUS.getOrDefault(status, "unknown")));
    }
  }
}
