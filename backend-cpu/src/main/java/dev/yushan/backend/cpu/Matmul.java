package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
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
/// **How.** C is cut into tasks of some rows by some columns. For each block of K a task packs its
/// rows of A, then a block of B at a time ([Panels]), and runs a register tile over them. What a
/// task packs is packed again by its neighbours, a few percent of the work, and in return they
/// never wait for each other.
final class Matmul {
  /// Length of the blocks that K is cut into. Part of the results: never a function of the machine.
  static final int K_BLOCK = Tile.STRIP;

  private static final int V = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int TILE_ROWS = Tile.ROWS;

  /// Columns of B packed at once: half a MiB, which the second-level cache keeps while all rows of
  /// a task pass.
  private static final int B_COLUMNS = 256;

  /// Most rows of a task: 1.5 MiB of A are packed at once.
  private static final int TASK_ROWS = 768;

  /// Most columns of a task.
  private static final int TASK_COLUMNS = 2048;

  /// Fewer rows or columns than this are not worth a task.
  private static final int LEAST = 128;

  /// Tasks for each thread, so that one that is slowed down is not waited for long.
  private static final int SHARE = 3;

  private static final int CACHE_LINE = 64;

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
    final float[] a = new float[(TASK_ROWS + V) * K_BLOCK];
    final float[] b = new float[B_COLUMNS * K_BLOCK];
    final float[] sums = new float[TILE_ROWS * B_COLUMNS];
    final Panels panels = new Panels();
    int touched;
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
    int[] cuts = cuts(p.m, p.n, team.threads() == 1 ? 1 : SHARE * team.threads());
    int rowTasks = cuts[0];
    int columnTasks = cuts[1];
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

  /// Into how many tasks the rows and the columns of C are cut: of the ways to get `wanted` or
  /// more, the one that packs least.
  private static int[] cuts(int m, int n, int wanted) {
    int[] best = {1, 1};
    long least = Long.MAX_VALUE;
    int leastColumns = ceilDiv(n, TASK_COLUMNS);
    int mostColumns = Math.max(leastColumns, n / LEAST);
    for (int rows = ceilDiv(m, TASK_ROWS);
        rows <= Math.max(ceilDiv(m, TASK_ROWS), m / LEAST);
        rows++) {
      int columns = Math.clamp(ceilDiv(wanted, rows), leastColumns, mostColumns);
      long missing = Math.max(0, wanted - (long) rows * columns);
      long packed = (long) rows * n + (long) columns * m + missing * ((long) m + n);
      if (packed < least) {
        least = packed;
        best = new int[] {rows, columns};
      }
    }
    return best;
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
      buffers.panels.packA(p.a, p.transposeA, row, rows, k, kc, buffers.a);
      for (int j = 0; j < columns; j += B_COLUMNS) {
        int nc = Math.min(B_COLUMNS, columns - j);
        buffers.panels.packB(p.b, p.transposeB, column + j, nc, k, kc, buffers.b);
        block(p, buffers, row, rows, column + j, nc, kc, beta);
      }
    }
  }

  /// The packed rows of A times a packed block of B. The sums of a few whole rows are collected
  /// before they are added to C, so that C is streamed through; what of C a tile will be added to
  /// is fetched while it works.
  private static void block(
      Product p, Buffers buffers, int row, int rows, int column, int nc, int kc, float beta) {
    float[] sums = buffers.sums;
    for (int i = 0; i < rows; i += TILE_ROWS) {
      int m = Math.min(TILE_ROWS, rows - i);
      for (int j = 0; j < nc; j += WIDTH) {
        buffers.touched += fetch(p.c, row + i, m, column + j, Math.min(WIDTH, nc - j));
        int a = i * K_BLOCK;
        Tile.panel(Tile.rounded(m), kc, buffers.a, a, buffers.b, j * kc, sums, j, B_COLUMNS);
      }
      for (int r = 0; r < m; r++) {
        long at = p.c.at(row + i + r, column);
        update(p.c.memory(), at, nc, p.alpha, sums, r * B_COLUMNS, beta);
      }
    }
  }

  /// Has some columns of some rows delivered into the first-level cache.
  ///
  /// @return what was read for that, since the compiler would drop reading it for nothing
  private static int fetch(Matrix c, int row, int rows, int column, int columns) {
    int sum = 0;
    for (int r = 0; r < rows; r++) {
      long at = c.at(row + r, column);
      for (int i = 0; i < 4 * columns; i += CACHE_LINE) {
        sum += c.memory().get(JAVA_BYTE, at + i);
      }
    }
    return sum;
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
