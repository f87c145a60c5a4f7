package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// `C = alpha · op(A) · op(B) + beta · C`, blocked for registers and caches as in Goto and van de
/// Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
///
/// **What is computed.** K is cut into blocks of [#K_BLOCK]. Within a block an element is one chain
/// of fused multiply-adds from zero in ascending k; the blocks are added to C in order, each times
/// alpha, the first to beta · C. Vector lanes run over columns of C. So the bits of an element
/// depend on its row of A, its column of B and C alone: not on the other rows and columns, the
/// tile, the vector width or the threads. Where A and B are quantised, a k-block's chain is one
/// over its blocks of 32, whose sums are exact ([IntegerRows]).
///
/// **How.** C is cut into tasks of some rows by some columns. A task packs some k-blocks of B, then
/// blocks of A ([Panels]), and runs a register tile over them. What becomes of a block of C stays
/// in the cache over these k-blocks: memory is read and written once for them, not for each. What a
/// task packs is packed again by its neighbours, a few percent of the work, and in return they
/// never wait for each other.
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

  /// K-blocks of B packed at once, two MiB: the third-level cache has room for them.
  private static final int SPAN = 4;

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
      int k) {

    /// The product of some rows of op(A).
    Product rows(int from, int rows) {
      Matrix left = transposeA ? a : a.from(from);
      return new Product(transposeA, transposeB, alpha, left, b, beta, c.from(from), rows, n, k);
    }
  }

  /// Buffers of one thread.
  private static final class Buffers {
    private static final ThreadLocal<Buffers> LOCAL = ThreadLocal.withInitial(Buffers::new);

    // transposing writes whole vectors of rows
    final float[] a = new float[(A_ROWS + V) * K_BLOCK];
    final float[][] b = new float[SPAN][B_COLUMNS * K_BLOCK];
    final float[] sums = new float[TILE_ROWS * B_COLUMNS];
    final Panels panels = new Panels();

    /// What becomes of a block of C.
    final MemorySegment c = Arena.ofAuto().allocate(4L * A_ROWS * B_COLUMNS, 64);
  }

  static void multiply(ThreadTeam team, Product p) {
    if (p.m == 0 || p.n == 0) {
      return;
    }
    if (FewRows.suits(p)) {
      for (Product piece : FewRows.pieces(p)) {
        team.ranges(
            ceilDiv(p.n, WIDTH),
            2,
            (from, to) -> {
              int column = Math.toIntExact(from * WIDTH);
              int end = (int) Math.min(p.n, to * WIDTH);
              FewRows.multiply(piece, column, end - column);
            });
      }
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
    int span = SPAN * K_BLOCK;
    // at least one block, so that C is scaled where K is 0
    for (int from = 0; from < Math.max(1, p.k); from += span) {
      int to = Math.clamp(p.k, from + 1, from + span);
      for (int j = 0; j < columns; j += B_COLUMNS) {
        int nc = Math.min(B_COLUMNS, columns - j);
        for (int k = from; k < to; k += K_BLOCK) {
          int kc = Math.min(K_BLOCK, p.k - k);
          float[] b = buffers.b[(k - from) / K_BLOCK];
          buffers.panels.packB(p.b, p.transposeB, column + j, nc, k, kc, b);
        }
        for (int i = 0; i < rows; i += A_ROWS) {
          int mc = Math.min(A_ROWS, rows - i);
          for (int k = from; k < to; k += K_BLOCK) {
            int kc = Math.min(K_BLOCK, p.k - k);
            buffers.panels.packA(p.a, p.transposeA, row + i, mc, k, kc, buffers.a);
            float[] b = buffers.b[(k - from) / K_BLOCK];
            boolean last = k + K_BLOCK >= to;
            block(p, buffers, b, row + i, mc, column + j, nc, k, kc, k == from, last);
          }
        }
      }
    }
  }

  /// One packed block of A times one of B. The sums of a few whole rows are collected before they
  /// are added to C, so that C is streamed through and not touched a cache line at a time.
  ///
  /// @param first whether they are added to what C has, in the place of what was kept of it
  /// @param last whether the result goes to C
  private static void block(
      Product p,
      Buffers buffers,
      float[] b,
      int row,
      int mc,
      int column,
      int nc,
      int k,
      int kc,
      boolean first,
      boolean last) {
    float[] sums = buffers.sums;
    MemorySegment source = first ? p.c.memory() : buffers.c;
    MemorySegment target = last ? p.c.memory() : buffers.c;
    float beta = k == 0 ? p.beta : 1;
    for (int i = 0; i < mc; i += TILE_ROWS) {
      int m = Math.min(TILE_ROWS, mc - i);
      Tile.rows(Tile.rounded(m), nc, kc, buffers.a, i * K_BLOCK, b, kc, sums, 0, B_COLUMNS);
      for (int r = 0; r < m; r++) {
        long at = p.c.row(row + i + r) + 4L * column;
        long kept = 4L * (i + r) * B_COLUMNS;
        int from = r * B_COLUMNS;
        update(source, first ? at : kept, target, last ? at : kept, nc, p.alpha, sums, from, beta);
      }
    }
  }

  /// `target = beta · source + alpha · sum` on `n` columns of a row; with `beta` 0, the source is
  /// not read.
  private static void update(
      MemorySegment source,
      long at,
      MemorySegment target,
      long to,
      int n,
      float alpha,
      float[] sums,
      int from,
      float beta) {
    int whole = n / V * V;
    for (int j = 0; j < whole; j += V) {
      FloatVector sum = FloatVector.fromArray(F32, sums, from + j).mul(alpha);
      if (beta != 0) {
        FloatVector old = FloatVector.fromMemorySegment(F32, source, at + 4L * j, ORDER);
        sum = old.mul(beta).add(sum);
      }
      sum.intoMemorySegment(target, to + 4L * j, ORDER);
    }
    for (int j = whole; j < n; j++) {
      float sum = sums[from + j] * alpha;
      if (beta != 0) {
        sum = source.get(JAVA_FLOAT_UNALIGNED, at + 4L * j) * beta + sum;
      }
      target.set(JAVA_FLOAT_UNALIGNED, to + 4L * j, sum);
    }
  }
}
