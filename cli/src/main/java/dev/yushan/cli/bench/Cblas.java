package dev.yushan.cli.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.yushan.backend.Kernels.Op;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.NoSuchElementException;

/// `cblas_sgemm` of a shared library, OpenBLAS or another: what our products are measured beside.
final class Cblas implements AutoCloseable {
  private static final int ROW_MAJOR = 101;
  private static final int NO_TRANS = 111;
  private static final int TRANS = 112;
  private static final int ALIGNMENT = 64;

  /// How the library is told its threads, where it is OpenBLAS; others read their environment.
  private static final String SET_THREADS = "openblas_set_num_threads";

  private final Arena arena = Arena.ofShared();
  private final MethodHandle sgemm;

  /// Calls into it are unchecked: that is what the option asks for.
  ///
  /// @param library with 32-bit integers in its interface
  /// @throws IllegalArgumentException if that is no library, or has no `cblas_sgemm`
  @SuppressWarnings("restricted")
  Cblas(Path library, int threads) {
    try {
      SymbolLookup symbols = SymbolLookup.libraryLookup(library, arena);
      Linker linker = Linker.nativeLinker();
      sgemm =
          linker.downcallHandle(
              symbols
                  .find("cblas_sgemm")
                  .orElseThrow(() -> new NoSuchElementException("it has no cblas_sgemm")),
              FunctionDescriptor.ofVoid(
                  JAVA_INT,
                  JAVA_INT,
                  JAVA_INT,
                  JAVA_INT,
                  JAVA_INT,
                  JAVA_INT,
                  JAVA_FLOAT,
                  ADDRESS,
                  JAVA_INT,
                  ADDRESS,
                  JAVA_INT,
                  JAVA_FLOAT,
                  ADDRESS,
                  JAVA_INT));
      symbols
          .find(SET_THREADS)
          .map(at -> linker.downcallHandle(at, FunctionDescriptor.ofVoid(JAVA_INT)))
          .ifPresent(set -> call(set, threads));
    } catch (IllegalArgumentException | NoSuchElementException e) {
      arena.close();
      throw new IllegalArgumentException(
          "--cblas %s: %s; name a shared library such as libopenblas.so.0"
              .formatted(library, e.getMessage()),
          e);
    }
  }

  private static void call(MethodHandle handle, Object... arguments) {
    try {
      handle.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException("a call of the library failed", e);
    }
  }

  /// A product on random operands of its own.
  ///
  /// @param operands where they live
  Runnable product(Arena operands, KernelCases.Product product) {
    int m = product.m();
    int n = product.n();
    int k = product.k();
    MemorySegment a = random(operands, (long) m * k);
    MemorySegment b = random(operands, (long) k * n);
    MemorySegment c = random(operands, (long) m * n);
    int transA = product.a() == Op.N ? NO_TRANS : TRANS;
    int transB = product.b() == Op.N ? NO_TRANS : TRANS;
    int lda = product.a() == Op.N ? k : m;
    int ldb = product.b() == Op.N ? n : k;
    return () -> {
      try {
        sgemm.invokeExact(ROW_MAJOR, transA, transB, m, n, k, 1f, a, lda, b, ldb, 0f, c, n);
      } catch (Throwable e) {
        throw new IllegalStateException("cblas_sgemm failed", e);
      }
    };
  }

  private static MemorySegment random(Arena arena, long elements) {
    MemorySegment values = arena.allocate(elements * Float.BYTES, ALIGNMENT);
    float[] numbers = BenchModel.numbers();
    for (long from = 0; from < elements; from += numbers.length) {
      int count = (int) Math.min(numbers.length, elements - from);
      MemorySegment.copy(numbers, 0, values, JAVA_FLOAT, from * Float.BYTES, count);
    }
    return values;
  }

  @Override
  public void close() {
    arena.close();
  }
}
