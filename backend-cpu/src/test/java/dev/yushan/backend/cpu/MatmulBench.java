package dev.yushan.backend.cpu;

import dev.yushan.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/// Measures [Matmul] on training shapes: GFLOP/s, the share of the FMA peak of a core (a loop over
/// registers in the same run), and the ratio to OpenBLAS in the same run.
///
/// Arguments: `[M [threads,… [N:K,…]]]`. From the root of the checkout:
///
/// ```
/// mvn -q -Pbench -DskipTests -pl backend-cpu -am test -Dbench.arguments="2048 1,2"
/// ```
final class MatmulBench {
  private static final List<String> SHAPES =
      List.of(
          "288:288",
          "768:288",
          "288:768",
          "768:768",
          "2048:2048",
          "3072:3072",
          "8192:2048",
          "2048:8192",
          "32000:768");

  private MatmulBench() {}

  public static void main(String[] args) {
    int m = args.length > 0 ? Integer.parseInt(args[0]) : 2048;
    String[] threads = (args.length > 1 ? args[1] : "1,2").split(",");
    List<String> shapes = args.length > 2 ? List.of(args[2].split(",")) : SHAPES;
    double peak = peakOfOneCore();
    System.out.printf(
        "%d-bit vectors, FMA peak of one core %.1f GFLOP/s%n", Lanes.F32.vectorBitSize(), peak);
    for (String count : threads) {
      int team = Integer.parseInt(count);
      System.out.printf(
          "%n%d thread(s), M = %d%n     N     K  op  GFLOP/s  of peak  OpenBLAS  ratio%n", team, m);
      try (ThreadTeam workers = new ThreadTeam(team)) {
        for (String shape : shapes) {
          int n = Integer.parseInt(shape.split(":")[0]);
          int k = Integer.parseInt(shape.split(":")[1]);
          for (int op = 0; op < 4; op++) {
            compare(workers, (op & 2) != 0, (op & 1) != 0, m, n, k, peak);
          }
        }
      }
    }
  }

  private static double peakOfOneCore() {
    try (ThreadTeam alone = new ThreadTeam(1)) {
      return MeasuredLimits.flops(alone) / 1e9;
    }
  }

  private static void compare(
      ThreadTeam team, boolean ta, boolean tb, int m, int n, int k, double peak) {
    double flops = 2.0 * m * n * k;
    double ours;
    try (Arena arena = Arena.ofShared()) {
      Matrix a = random(arena, ta ? k : m, ta ? m : k);
      Matrix b = random(arena, tb ? n : k, tb ? k : n);
      Matrix c = random(arena, m, n);
      var product = new Matmul.Product(ta, tb, 1, a, b, 0, c, m, n, k);
      ours = flops / best(flops, () -> Matmul.multiply(team, product));
    }
    double theirs = flops / openBlas(team.threads(), ta, tb, m, n, k, flops);
    System.out.printf(
        "%6d %5d  %s%s  %7.1f   %4.0f %%  %8.1f   %4.2f%n",
        n,
        k,
        ta ? "T" : "N",
        tb ? "T" : "N",
        ours,
        100 * ours / peak / team.threads(),
        theirs,
        ours / theirs);
  }

  private static double openBlas(
      int threads, boolean ta, boolean tb, int m, int n, int k, double flops) {
    openblas.blas_set_num_threads(threads);
    try (FloatPointer a = random((long) m * k);
        FloatPointer b = random((long) k * n);
        FloatPointer c = random((long) m * n)) {
      return best(
          flops,
          () ->
              openblas.cblas_sgemm(
                  openblas.CblasRowMajor,
                  ta ? openblas.CblasTrans : openblas.CblasNoTrans,
                  tb ? openblas.CblasTrans : openblas.CblasNoTrans,
                  m,
                  n,
                  k,
                  1,
                  a,
                  ta ? m : k,
                  b,
                  tb ? k : n,
                  0,
                  c,
                  n));
    }
  }

  /// Nanoseconds of the fastest of some runs: of enough of them that the compiler is done.
  private static double best(double flops, Runnable body) {
    int runs = (int) Math.clamp(5e10 / flops, 3, 1000);
    double best = Double.MAX_VALUE;
    for (int i = 0; i < runs; i++) {
      long start = System.nanoTime();
      body.run();
      best = Math.min(best, System.nanoTime() - start);
    }
    return best;
  }

  private static FloatPointer random(long elements) {
    float[] values = new float[1000];
    for (int i = 0; i < values.length; i++) {
      values[i] = value(i);
    }
    FloatPointer pointer = new FloatPointer(elements);
    for (long i = 0; i < elements; i += values.length) {
      pointer.position(i).put(values, 0, (int) Math.min(values.length, elements - i));
    }
    return pointer.position(0);
  }

  /// A number of either sign, the same again after 1,000.
  private static float value(long i) {
    return (i * 7919 % 1000) / 500f - 1;
  }

  private static Matrix random(Arena arena, int rows, int columns) {
    MemorySegment memory = arena.allocate(4L * rows * columns, 64);
    for (long i = 0; i < (long) rows * columns; i++) {
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, value(i));
    }
    return new Matrix(DType.F32, memory, rows, columns, columns, false);
  }
}
