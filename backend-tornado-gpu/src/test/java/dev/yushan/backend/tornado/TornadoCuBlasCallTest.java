package dev.yushan.backend.tornado;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.yushan.backend.BackendException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Calls of cuBLAS, with functions of Java in its place that work on memory of the host.
class TornadoCuBlasCallTest {
  private static final long SEED = Long.getLong("yushan.seed", 1950);
  private static final int LANE = 1 << 14;
  private static final float[][] FACTORS = {{1, 0}, {1, 1}, {0.5f, -2}, {-1.5f, 0.25f}};

  private final SplittableRandom random = new SplittableRandom(SEED);

  /// Lanes of the host, of which every element holds something.
  private final class Lanes {
    final MemorySegment floats;
    final MemorySegment shorts;

    Lanes(Arena arena) {
      floats = arena.allocate(JAVA_FLOAT, LANE);
      shorts = arena.allocate(JAVA_SHORT, LANE);
      for (int i = 0; i < LANE; i++) {
        floats.setAtIndex(JAVA_FLOAT, i, (float) random.nextGaussian());
        shorts.setAtIndex(JAVA_SHORT, i, bf16((float) random.nextGaussian()));
      }
    }

    float value(boolean half, long at) {
      return half
          ? Float.intBitsToFloat(shorts.getAtIndex(JAVA_SHORT, at) << 16)
          : floats.getAtIndex(JAVA_FLOAT, at);
    }

    private float[] values(boolean half, long address, int elements) {
      long at = half ? (address - shorts.address()) / 2 : (address - floats.address()) / 4;
      float[] values = new float[elements];
      for (int i = 0; i < elements; i++) {
        values[i] = value(half, at + i);
      }
      return values;
    }

    void compute(JavaCuBlas.Call call) {
      float[] a = values(call.typeA() == JavaCuBlas.BF16, call.a(), call.elements('a'));
      float[] b = values(call.typeB() == JavaCuBlas.BF16, call.b(), call.elements('b'));
      float[] c = values(false, call.c(), call.elements('c'));
      call.compute(a, b, c);
      MemorySegment.copy(c, 0, floats, JAVA_FLOAT, call.c() - floats.address(), c.length);
    }

    /// The lane of floats after a product, by its definition: row-major, in doubles.
    double[] expected(Gemm g) {
      double[] lane = new double[LANE];
      for (int i = 0; i < LANE; i++) {
        lane[i] = value(false, i);
      }
      for (int i = 0; i < g.m(); i++) {
        for (int j = 0; j < g.n(); j++) {
          double sum = 0;
          for (int part = 0; part < g.parts(); part++) {
            for (int l = 0; l < g.k(); l++) {
              sum +=
                  (double) value(g.parts() > 1, part * g.m() * g.k() + place(g.a(), i, l))
                      * value(g.parts() > 1, place(g.b(), l, j));
            }
          }
          int at = place(g.c(), i, j);
          lane[at] = g.alpha() * sum + (g.beta() == 0 ? 0 : g.beta() * lane[at]);
        }
      }
      return lane;
    }

    private int place(Gemm.Matrix matrix, int row, int column) {
      return matrix.at()
          + (matrix.transposed() ? column : row) * matrix.ld()
          + (matrix.transposed() ? row : column);
    }
  }

  private static short bf16(float x) {
    return (short) (Float.floatToRawIntBits(x) >>> 16);
  }

  /// Where the lane is free from `from` on: a matrix with a gap of up to 4 elements behind its
  /// rows.
  private Gemm.Matrix matrix(int from, int rows, int columns, boolean transposed, int gap) {
    int length = transposed ? rows : columns;
    return new Gemm.Matrix(from + random.nextInt(100), length + gap, transposed);
  }

  private Gemm product(int parts, boolean transA, boolean transB, float[] factors) {
    int m = 1 + random.nextInt(30);
    int n = 1 + random.nextInt(30);
    int k = 1 + random.nextInt(30);
    return new Gemm(
        parts,
        m,
        n,
        k,
        factors[0],
        // parts follow each other without gaps, and end before 3 · 900 + 100
        matrix(0, m, k, transA, parts == 1 ? random.nextInt(5) : 0),
        matrix(4000, k, n, transB, random.nextInt(5)),
        factors[1],
        matrix(8000, m, n, false, random.nextInt(5)));
  }

  @ParameterizedTest
  @CsvSource({"1", "3"})
  void everyProductIsTheRowMajorOne(int parts) {
    try (Arena arena = Arena.ofConfined()) {
      Lanes lanes = new Lanes(arena);
      try (JavaCuBlas stub = new JavaCuBlas(lanes::compute)) {
        CuBlas library = new CuBlas(stub.symbols());
        MemorySegment handle = library.open(5);
        for (int round = 0; round < 200; round++) {
          Gemm product =
              product(parts, (round & 1) == 1, (round & 2) == 2, FACTORS[(round >> 2) & 3]);
          if (product.beta() == 0) {
            // is not read
            lanes.floats.setAtIndex(JAVA_FLOAT, product.c().at(), Float.NaN);
          }
          double[] expected = lanes.expected(product);
          library.product(handle, product, lanes.floats.address(), lanes.shorts.address());
          for (int i = 0; i < LANE; i++) {
            assertThat((double) lanes.value(false, i))
                .as("element %d after %s, seed %d", i, product, SEED)
                .isCloseTo(expected[i], within(1e-5 * (1 + Math.abs(expected[i]))));
          }
        }
        library.close(handle);
        assertThat(stub.handles).containsExactly("create", "stream 5", "destroy");
      }
    }
  }

  /// By hand: c = 2 · a · bᵀ + 3 · c with a `[5, 7]`, b `[11, 7]`, c `[5, 11]`.
  @Test
  void argumentsAreThoseOfTheHeader() {
    List<JavaCuBlas.Call> calls = new ArrayList<>();
    try (JavaCuBlas stub = new JavaCuBlas(calls::add)) {
      CuBlas library = new CuBlas(stub.symbols());
      MemorySegment handle = library.open(0);
      Gemm.Matrix a = new Gemm.Matrix(100, 8, false);
      Gemm.Matrix b = new Gemm.Matrix(200, 9, true);
      Gemm.Matrix c = new Gemm.Matrix(300, 12, false);
      library.product(handle, new Gemm(1, 5, 11, 7, 2, a, b, 3, c), 1L << 40, 1L << 41);
      library.product(handle, new Gemm(2, 5, 11, 7, 2, a, b, 3, c), 1L << 40, 1L << 41);
    }
    long floats = 1L << 40;
    long shorts = 1L << 41;
    assertThat(calls)
        .containsExactly(
            new JavaCuBlas.Call(
                1, 0, 11, 5, 7, 2, floats + 800, 0, 9, floats + 400, 0, 8, 3, floats + 1200, 12),
            new JavaCuBlas.Call(
                1, 0, 11, 5, 7, 2, shorts + 400, 14, 9, shorts + 200, 14, 8, 3, floats + 1200, 12),
            new JavaCuBlas.Call(
                1, 0, 11, 5, 7, 2, shorts + 400, 14, 9, shorts + 270, 14, 8, 1, floats + 1200, 12));
  }

  @Test
  void parametersAreReadAsTheyWereWritten() {
    for (int round = 0; round < 50; round++) {
      Gemm product =
          product(1 + 2 * (round & 1), (round & 2) == 2, (round & 4) == 4, FACTORS[round & 3]);
      assertThat(Gemm.read(product.parameters())).isEqualTo(product);
      assertThat(product.parameters()[0]).isEqualTo(product.m());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "cublasSgemm_v2, 1, 13, 'cublasSgemm of plain [5, 7] by transposed [7, 11] of F32',"
        + " execution failed",
    "cublasGemmEx, 3, 15, 'cublasGemmEx of plain [5, 7] by transposed [7, 11] of BF16',"
        + " not supported",
    "cublasCreate_v2, 1, 1, cublasCreate, not initialized",
    "cublasSetStream_v2, 1, 7, cublasSetStream, invalid value",
    "cublasDestroy_v2, 1, 99, cublasDestroy, unknown"
  })
  void everyStatusIsAnError(String function, int parts, int status, String what, String words) {
    try (JavaCuBlas stub = new JavaCuBlas(call -> {})) {
      stub.statuses.put(function, status);
      CuBlas library = new CuBlas(stub.symbols());
      assertThatThrownBy(
              () -> {
                MemorySegment handle = library.open(0);
                library.product(
                    handle,
                    new Gemm(
                        parts,
                        5,
                        11,
                        7,
                        1,
                        new Gemm.Matrix(0, 7, false),
                        new Gemm.Matrix(64, 7, true),
                        0,
                        new Gemm.Matrix(256, 11, false)),
                    0,
                    0);
                library.close(handle);
              })
          .isInstanceOf(BackendException.class)
          .hasMessage(
              "--experimental-cuda: %s failed with status %d (%s); leave --experimental-cuda out"
                  .formatted(what, status, words));
    }
  }

  @Test
  void aLibraryThatLacksAFunctionIsRefused() {
    try (JavaCuBlas stub = new JavaCuBlas(call -> {})) {
      assertThatThrownBy(
              () ->
                  new CuBlas(
                      name ->
                          name.equals("cublasGemmEx")
                              ? Optional.empty()
                              : stub.symbols().find(name)))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("has no cublasGemmEx")
          .hasMessageContaining("leave --experimental-cuda out");
    }
  }

  @Test
  void aLibraryThatIsNotThereIsNamedWithTheRemedy() {
    try {
      CuBlas.load();
    } catch (BackendException e) {
      assertThat(e)
          .hasMessageContaining("libcublas.so.13")
          .hasMessageContaining("install libcublas of the CUDA toolkit")
          .hasMessageContaining("leave --experimental-cuda out");
      return;
    }
    abort("cuBLAS is installed here, so it cannot be missing");
  }
}
