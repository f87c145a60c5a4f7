package dev.yushan.backend.cpu;

import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// The register tile by itself, on a panel and strips that stay in the first-level cache.
@State(Scope.Benchmark)
public class TileBenchmark extends KernelBenchmark {
  private static final int LENGTH = Tile.STRIP;
  private static final int MOST = 64;

  /// Panels of C that a thread computes in a call.
  private static final int PANELS = 64;

  /// Rows of C, cut into tiles as [Matmul] does; at most 64.
  @Param({"1", "2", "4", "6", "8", "24"})
  public int rows;

  private float[][] a;
  private float[][] b;
  private float[][] c;

  @Setup
  public void allocate(Team threads) {
    a = filled(threads.threads, (MOST + Tile.ROWS) * LENGTH);
    b = filled(threads.threads, LENGTH * Tile.WIDTH);
    c = filled(threads.threads, (MOST + Tile.ROWS) * Tile.WIDTH);
  }

  private static float[][] filled(int threads, int length) {
    float[][] arrays = new float[threads][length];
    for (float[] array : arrays) {
      Arrays.fill(array, 0.5f);
    }
    return arrays;
  }

  @Benchmark
  public void tile(Team threads, Flops flops) {
    threads.team.run(threads.threads, this::panels);
    flops.add(2.0 * rows * Tile.WIDTH * LENGTH * PANELS * threads.threads);
  }

  private void panels(int thread) {
    for (int panel = 0; panel < PANELS; panel++) {
      for (int i = 0; i < rows; i += Tile.ROWS) {
        int tile = Tile.rounded(Math.min(Tile.ROWS, rows - i));
        int strip = i * Tile.STRIP;
        int out = i * Tile.WIDTH;
        Tile.panel(tile, LENGTH, a[thread], strip, b[thread], 0, c[thread], out, Tile.WIDTH);
      }
    }
  }
}
