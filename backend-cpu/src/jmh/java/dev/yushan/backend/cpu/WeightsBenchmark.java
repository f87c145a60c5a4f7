package dev.yushan.backend.cpu;

import dev.yushan.backend.cpu.Matmul.Product;
import dev.yushan.tensor.DType;
import java.lang.foreign.Arena;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Products of one and of a few rows by 128 MiB of frozen weights, as in decoding, and the
/// conversion of these weights to panels by itself.
@State(Scope.Benchmark)
public class WeightsBenchmark extends KernelBenchmark {
  private static final int K = 2048;

  @Param({"F32", "BF16", "F16", "Q8_0", "Q4_0"})
  public DType dtype;

  private final Arena arena = Arena.ofShared();
  private final ThreadLocal<float[]> panel =
      ThreadLocal.withInitial(() -> new float[Matmul.K_BLOCK * Tile.WIDTH]);
  private Matrix weights;
  private Product oneRow;
  private Product sixteenRows;

  @Setup
  public void allocate() {
    weights = large(arena, dtype, K, true);
    oneRow = product(1);
    sixteenRows = product(16);
  }

  private Product product(int m) {
    int n = weights.rows();
    DType rows = dtype == DType.Q4_0 ? DType.Q8_0 : DType.F32;
    Matrix a = matrix(arena, rows, m, K, false);
    Matrix c = matrix(arena, DType.F32, m, n, false);
    return new Product(false, true, 1, a, weights, 0, c, m, n, K);
  }

  @TearDown
  public void free() {
    arena.close();
  }

  @Benchmark
  public void oneRow(Team threads, Flops flops, Reads reads) {
    multiply(threads, oneRow, flops, reads);
  }

  @Benchmark
  public void sixteenRows(Team threads, Flops flops, Reads reads) {
    multiply(threads, sixteenRows, flops, reads);
  }

  private static void multiply(Team threads, Product p, Flops flops, Reads reads) {
    Matmul.multiply(threads.team, p);
    flops.add(2.0 * p.m() * p.n() * p.k());
    reads.add(p.b().memory().byteSize());
  }

  @Benchmark
  public void panels(Team threads, Reads reads) {
    threads.team.ranges(weights.rows() / Tile.WIDTH, 1, this::panels);
    reads.add(weights.memory().byteSize());
  }

  private void panels(long from, long to) {
    float[] out = panel.get();
    for (int group = (int) from; group < to; group++) {
      for (int k = 0; k < K; k += Matmul.K_BLOCK) {
        Packed.panel(weights, group * Tile.WIDTH, k, Matmul.K_BLOCK, out, 0);
      }
    }
  }
}
