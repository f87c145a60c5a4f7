package dev.yushan.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Products so large that they go slab by slab: shared by the threads, or each with its own.
class MatmulTest {
  private static final long SEED = 20;
  private static final int SAMPLES = 200;

  private final Arena arena = Arena.ofShared();
  private final SplittableRandom random = new SplittableRandom(SEED);

  @AfterEach
  void close() {
    arena.close();
  }

  private Matrix matrix(int rows, int columns) {
    MemorySegment memory = arena.allocate(4L * rows * columns, 64);
    for (long i = 0; i < (long) rows * columns; i++) {
      memory.setAtIndex(JAVA_FLOAT, i, random.nextFloat() - 0.5f);
    }
    return new Matrix(DType.F32, memory, rows, columns, columns, false);
  }

  private Matmul.Product product(boolean ta, boolean tb, int m, int n, int k, float beta) {
    Matrix a = ta ? matrix(k, m) : matrix(m, k);
    Matrix b = tb ? matrix(n, k) : matrix(k, n);
    return new Matmul.Product(ta, tb, 1.5f, a, b, beta, matrix(m, n), m, n, k);
  }

  /// From large to small and back: slabs of all sizes take places in the same memory.
  private List<Matmul.Product> products() {
    int columns = Matmul.SLAB_COLUMNS + 33;
    return List.of(
        product(false, false, 801, 1031, 2100, 0), // slab after slab along k
        product(false, true, 801, columns, 300, 0), // and along the columns
        product(true, false, 300, 700, 1500, 1), // few rows: columns for each thread
        product(true, true, 801, 40, 1111, 0.5f),
        product(false, false, 801, 33, 0, 0.5f), // nothing but beta · C
        product(true, false, 1031, 801, 1400, 1),
        product(false, true, 250, 200, 3000, 0));
  }

  private static float[] floats(Matrix c) {
    return c.memory().toArray(JAVA_FLOAT);
  }

  private static float[] computed(ThreadTeam team, Matmul.Product p, float[] before) {
    MemorySegment.copy(before, 0, p.c().memory(), JAVA_FLOAT, 0, before.length);
    Matmul.multiply(team, p);
    return floats(p.c());
  }

  private static double element(Matrix x, boolean transposed, int i, int j) {
    long at = transposed ? (long) j * x.columns() + i : (long) i * x.columns() + j;
    return x.memory().getAtIndex(JAVA_FLOAT, at);
  }

  @Test
  void agreesWithSumsInDouble() {
    try (ThreadTeam team = new ThreadTeam(2)) {
      for (Matmul.Product p : products()) {
        float[] before = floats(p.c());
        float[] c = computed(team, p, before);
        for (int s = 0; s < SAMPLES; s++) {
          int i = random.nextInt(p.m());
          int j = random.nextInt(p.n());
          double sum = 0;
          for (int k = 0; k < p.k(); k++) {
            sum += element(p.a(), p.transposeA(), i, k) * element(p.b(), p.transposeB(), k, j);
          }
          int at = i * p.n() + j;
          double expected = p.alpha() * sum + p.beta() * before[at];
          // a thousandth of the standard deviation of such a sum, and more than its rounding
          double tolerance = 1e-6 + 1.5 * Math.sqrt(p.k()) / 12 * 1e-3;
          assertThat((double) c[at])
              .as("seed %d, %d x %d x %d, element %d, %d", SEED, p.m(), p.n(), p.k(), i, j)
              .isCloseTo(expected, within(tolerance));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void theBitsDoNotDependOnTheThreads(int threads) {
    List<Matmul.Product> products = products();
    List<float[]> before = products.stream().map(p -> floats(p.c())).toList();
    List<float[]> expected = new ArrayList<>();
    try (ThreadTeam one = new ThreadTeam(1)) {
      for (int i = 0; i < products.size(); i++) {
        expected.add(computed(one, products.get(i), before.get(i)));
      }
    }
    try (ThreadTeam team = new ThreadTeam(threads)) {
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < products.size(); i++) {
          assertThat(computed(team, products.get(i), before.get(i)))
              .as("product %d, round %d, seed %d", i, round, SEED)
              .isEqualTo(expected.get(i));
        }
      }
    }
  }

  /// The second product finds the team at work and is computed by the thread that asks for it.
  @Test
  void twoThreadsMayAskForProducts() {
    Matmul.Product first = product(false, true, 801, 1031, 2100, 0);
    Matmul.Product second = product(true, false, 900, 500, 2100, 0);
    try (ThreadTeam team = new ThreadTeam(2)) {
      Matmul.multiply(team, first);
      Matmul.multiply(team, second);
      float[] one = floats(first.c());
      float[] two = floats(second.c());
      for (int round = 0; round < 5; round++) {
        first.c().memory().fill((byte) 0);
        second.c().memory().fill((byte) 0);
        var other = CompletableFuture.runAsync(() -> Matmul.multiply(team, second));
        Matmul.multiply(team, first);
        other.join();
        assertThat(floats(first.c())).isEqualTo(one);
        assertThat(floats(second.c())).isEqualTo(two);
      }
    }
  }
}
