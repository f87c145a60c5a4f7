package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// `C = alpha · op(A) · op(B) + beta · C`, blocked for registers and caches as in Goto and van de
/// Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
///
/// **What is computed.** K is cut into blocks of [#K_BLOCK]. Within a block an element is one chain
/// of fused multiply-adds from zero in ascending k; the blocks are added to C in order, each times
/// alpha, the first to beta · C. Vector lanes run over columns of C. So the bits of an element
/// depend on its row of A, its column of B and C alone: not on the other rows and columns, the
/// tile, the vector width or the threads.
///
/// **How.** C is cut into tasks of some rows by some columns. A task packs a block of B, then
/// blocks of A ([Panels]), and runs a register tile over them. What a task packs is packed again by
/// its neighbours, a few percent of the work, and in return they never wait for each other.
final class Matmul {
  /// Length of the blocks that K is cut into. Part of the results: never a function of the machine.
  static final int K_BLOCK = Tile.STRIP;

  private static final int V = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int TILE_ROWS = Tile.ROWS;

  /// Rows of A packed at once: 128 KiB, half of a small second-level cache.
  private static final int A_ROWS = 128 / TILE_ROWS * TILE_ROWS;

  /// Columns of B packed at once: half a MiB.
  private static final int B_COLUMNS = 512 / WIDTH * WIDTH;

  /// Rows from which packing B for one task alone costs little.
  private static final int TASK_ROWS = 768;

  private Matmul() {}

  /// The operands of one product. `m`, `n` and `k` are the live sizes.
  record Product(
      boolean transposeA,
      boolean transposeB,
      float alpha,
      Matrix a,
      Matrix b,
      float beta,
      Matrix c,
      int m,
      int n,
      int k) {}

  /// Buffers of one thread.
  private static final class Buffers {
    private static final ThreadLocal<Buffers> LOCAL = ThreadLocal.withInitial(Buffers::new);

    // transposing writes whole vectors of rows
    final float[] a = new float[(A_ROWS + V) * K_BLOCK];
    final float[] b = new float[B_COLUMNS * K_BLOCK];
    final float[] sums = new float[TILE_ROWS * B_COLUMNS];
    final Panels panels = new Panels();
  }

  static void multiply(ThreadTeam team, Product p) {
    if (p.m == 0 || p.n == 0) {
      return;
    }
    if (FewRows.suits(p)) {
      team.ranges(
          ceilDiv(p.n, WIDTH),
          2,
          (from, to) -> {
            int column = Math.toIntExact(from * WIDTH);
            int end = (int) Math.min(p.n, to * WIDTH);
            FewRows.local().multiply(p, column, end - column);
          });
      return;
    }
    int rowTasks = ceilDiv(p.m, TASK_ROWS);
    int columnTasks = ceilDiv(p.n, B_COLUMNS);
    int wanted = team.threads() == 1 ? 1 : 4 * team.threads();
    if (rowTasks * columnTasks < wanted) {
      rowTasks = Math.clamp(ceilDiv(wanted, columnTasks), rowTasks, Math.max(1, p.m / A_ROWS));
      columnTasks =
          Math.clamp(ceilDiv(wanted, rowTasks), columnTasks, Math.max(columnTasks, p.n / WIDTH));
    }
    int rows = ceilDiv(ceilDiv(p.m, rowTasks), TILE_ROWS) * TILE_ROWS;
    int columns = ceilDiv(ceilDiv(p.n, columnTasks), WIDTH) * WIDTH;
    int down = ceilDiv(p.m, rows);
    int across = ceilDiv(p.n, columns);
    team.run(
        down * across,
        task -> {
          int row = task % down * rows;
          int column = task / down * columns;
          task(p, row, Math.min(rows, p.m - row), column, Math.min(columns, p.n - column));
        });
  }

  private static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }

  private static void task(Product p, int row, int rows, int column, int columns) {
    Buffers buffers = Buffers.LOCAL.get();
    // at least one block, so that C is scaled where K is 0
    for (int k = 0; k < Math.max(1, p.k); k += K_BLOCK) {
      int kc = Math.min(K_BLOCK, p.k - k);
      float beta = k == 0 ? p.beta : 1;
      for (int j = 0; j < columns; j += B_COLUMNS) {
        int nc = Math.min(B_COLUMNS, columns - j);
        buffers.panels.packB(p.b, p.transposeB, column + j, nc, k, kc, buffers.b);
        for (int i = 0; i < rows; i += A_ROWS) {
          int mc = Math.min(A_ROWS, rows - i);
          buffers.panels.packA(p.a, p.transposeA, row + i, mc, k, kc, buffers.a);
          block(p, buffers, row + i, mc, column + j, nc, kc, beta);
        }
      }
    }
  }

  /// One packed block of A times one of B. The sums of a few whole rows are collected before they
  /// are added to C, so that C is streamed through and not touched a cache line at a time.
  private static void block(
      Product p, Buffers buffers, int row, int mc, int column, int nc, int kc, float beta) {
    float[] sums = buffers.sums;
    for (int i = 0; i < mc; i += TILE_ROWS) {
      int m = Math.min(TILE_ROWS, mc - i);
      Tile.rows(Tile.rounded(m), nc, kc, buffers.a, i * K_BLOCK, buffers.b, kc, sums, 0, B_COLUMNS);
      for (int r = 0; r < m; r++) {
        long at = p.c.row(row + i + r) + 4L * column;
        update(p.c.memory(), at, nc, p.alpha, sums, r * B_COLUMNS, beta);
      }
    }
  }

  /// `C = beta · C + alpha · sum` on `n` columns of a row; with `beta` 0, C is not read.
  static void update(
      MemorySegment c, long at, int n, float alpha, float[] sums, int from, float beta) {
    int whole = n / V * V;
    for (int j = 0; j < whole; j += V) {
      FloatVector sum = FloatVector.fromArray(F32, sums, from + j).mul(alpha);
      if (beta != 0) {
        FloatVector old = FloatVector.fromMemorySegment(F32, c, at + 4L * j, ORDER);
        sum = old.mul(beta).add(sum);
      }
      sum.intoMemorySegment(c, at + 4L * j, ORDER);
    }
    for (int j = whole; j < n; j++) {
      float sum = sums[from + j] * alpha;
      if (beta != 0) {
        sum = c.get(JAVA_FLOAT_UNALIGNED, at + 4L * j) * beta + sum;
      }
      c.set(JAVA_FLOAT_UNALIGNED, at + 4L * j, sum);
    }
  }
}
