package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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
/// **How.** B is worked off in slabs, some k-blocks by some columns: all threads pack one
/// ([Panels]) into a buffer that they share, then each takes rows of A, packs them and runs a
/// register tile over both. So each element of B is packed once. What becomes of a block of C stays
/// in the cache over the k-blocks of a slab: memory is read and written once for them, not for
/// each. Of few rows of A each thread computes columns of its own: to pack A once more takes less
/// than to hand packed panels from core to core.
///
/// **Where.** Products of many rows are here; [FewRows] has those of few rows, which wait for
/// memory, and of quantised ones. Weights that only serve lie as [Packed] arranges them. What
/// computes is the register tile ([Tile]: [Tile6x2] for 16 registers, [Tile8x2] for 32), [OneRow]
/// for one row and [IntegerRows] for Q8_0 by Q4_0; block sizes come from [Caches].
final class Matmul {
  /// Length of the blocks that K is cut into. Part of the results: never a function of the machine.
  static final int K_BLOCK = Tile.STRIP;

  private static final int V = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int TILE_ROWS = Tile.ROWS;

  private static final Caches CACHES = Caches.found();

  /// K-blocks of a slab.
  private static final int SPAN = 4;

  /// Columns of a k-block of B that stay in the second-level cache while rows of A pass by: half of
  /// it.
  private static final int B_COLUMNS = fitting(CACHES.second() / 2, WIDTH);

  /// Columns of a slab times its k-blocks: what fits an eighth of the third-level cache, which
  /// others use too, or 8 MiB, from where on nothing becomes faster.
  static final int SLAB_COLUMNS =
      Math.max(SPAN * B_COLUMNS, fitting(Math.min(CACHES.third() / 8, 8 << 20), WIDTH));

  /// Columns that are packed by a task.
  private static final int GROUP = 128;

  /// Rows of A of a task, at most: a k-block of them is three sixteenths of the second-level cache.
  private static final int A_ROWS = fitting(CACHES.second() * 3 / 16, TILE_ROWS);

  /// Up to so many rows of A, threads share no slab where there are columns enough, and up to
  /// [#A_ROWS] in any case.
  private static final int MIDDLE_ROWS = 768;

  /// Columns of each thread that suffice for it to pack A by itself.
  private static final int OWN_COLUMNS = 256;

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
    final float[] a = new float[SPAN * (A_ROWS + V) * K_BLOCK];
    final float[] sums = new float[TILE_ROWS * B_COLUMNS];
    final Panels panels = new Panels();
    final Slabs slabs = new Slabs();

    /// What becomes of a block of C.
    final MemorySegment c = Arena.ofAuto().allocate(4L * A_ROWS * B_COLUMNS, 64);
  }

  /// Room for the slabs of a product, kept by the thread that asks for it: two places in turn,
  /// since one is packed while the other is read. Slabs that threads share have more places, so
  /// that the memory of one has mostly left the second-level caches of those that read it before it
  /// is written again. To write what another core has in its cache takes several times as long, the
  /// more so where the two have no third-level cache in common.
  private static final class Slabs {
    /// Elements of two slabs of the largest size.
    private static final int MOST = 2 * SLAB_COLUMNS * K_BLOCK;

    /// Places of shared slabs, as far as there is room.
    private static final int PLACES = 8;

    private float[] memory = new float[0];
    private int turn;

    /// Memory for as many slabs as there are places.
    float[] memory(int size, int threads) {
      int least = places(size, threads) * size;
      if (memory.length < least) {
        memory = new float[least];
      }
      return memory;
    }

    /// Where the next one begins.
    int next(int size, int threads) {
      turn = (turn + 1) % places(size, threads);
      return turn * size;
    }

    private static int places(int size, int threads) {
      return threads == 1 ? 2 : Math.min(PLACES, MOST / size);
    }
  }

  static void multiply(ThreadTeam team, Product p) {
    if (p.m == 0 || p.n == 0) {
      return;
    }
    if (FewRows.suits(p)) {
      int width = Packed.width(p.b.dtype());
      for (Product piece : FewRows.pieces(p)) {
        team.ranges(
            ceilDiv(p.n, width),
            2,
            (from, to) -> {
              int column = Math.toIntExact(from * width);
              int end = (int) Math.min(p.n, to * width);
              FewRows.multiply(piece, column, end - column);
            });
      }
      return;
    }
    int threads = team.threads();
    int parts = ceilDiv(p.n, B_COLUMNS);
    if (p.m <= A_ROWS || p.m <= MIDDLE_ROWS && p.n >= threads * OWN_COLUMNS) {
      // each packs A for itself, so no more than are needed
      parts = ceilDiv(parts, threads) * threads;
      int width = padded(p.n, parts);
      team.run(
          ceilDiv(p.n, width),
          part -> {
            int from = part * width;
            multiply(team, 1, p, from, Math.min(p.n, from + width));
          });
    } else {
      multiply(team, threads, p, 0, p.n);
    }
  }

  /// The width of each of so many parts, in whole panels.
  private static int padded(int columns, int parts) {
    return Tile.padded(ceilDiv(columns, parts));
  }

  /// Columns `from` to `to`, slab by slab, by so many threads of the team.
  private static void multiply(ThreadTeam team, int threads, Product p, int from, int to) {
    List<Slab> slabs = slabs(p, threads, from, to);
    team.run(slabs.getFirst().groups(), slabs.getFirst()::pack);
    for (int i = 0; i < slabs.size(); i++) {
      slabs.get(i).multiply(team, threads, i + 1 < slabs.size() ? slabs.get(i + 1) : null);
    }
  }

  private static List<Slab> slabs(Product p, int threads, int from, int to) {
    List<Slab> slabs = new ArrayList<>();
    // few rows of C stay in the cache by themselves, and then the slab can
    int most = p.m <= A_ROWS ? Math.clamp(B_COLUMNS / (to - from), 1, SPAN) : SPAN;
    // at least one block, so that C is scaled where K is 0
    int blocks = Math.clamp(ceilDiv(p.k, K_BLOCK), 1, most);
    int span = blocks * K_BLOCK;
    int width = SLAB_COLUMNS / blocks / WIDTH * WIDTH;
    Slabs places = Buffers.LOCAL.get().slabs;
    int size = span * Tile.padded(Math.min(width, to - from));
    float[] b = places.memory(size, threads);
    for (int column = from; column < to; column += width) {
      for (int k = 0; k < Math.max(1, p.k); k += span) {
        int columns = Math.min(width, to - column);
        int end = Math.clamp(p.k, k + 1, k + span);
        slabs.add(new Slab(p, b, places.next(size, threads), column, columns, k, end));
      }
    }
    return slabs;
  }

  /// Rows or columns of a k-block that fit, in whole units, but one at least.
  private static int fitting(long bytes, int unit) {
    return Math.max(1, Math.toIntExact(bytes / (4 * K_BLOCK)) / unit) * unit;
  }

  private static int ceilDiv(int a, int b) {
    return (a + b - 1) / b;
  }

  /// Rows of a task, of half as many as a task can have up to these: the most of those that keep
  /// the threads busy to the end.
  private static int height(int m, int threads) {
    if (m < threads * A_ROWS / 2) {
      return A_ROWS;
    }
    int best = A_ROWS;
    for (int rows = A_ROWS; rows >= A_ROWS / 2; rows -= TILE_ROWS) {
      if (longest(m, rows, threads) < longest(m, best, threads)) {
        best = rows;
      }
    }
    return best;
  }

  /// Rows of the thread that has most, with tasks of so many.
  private static int longest(int m, int rows, int threads) {
    return ceilDiv(ceilDiv(m, rows), threads) * rows;
  }

  /// Some columns of op(B), of the k-blocks from `from` to `to`.
  ///
  /// @param b its k-blocks one after the other, each as panels, from `start`
  private record Slab(Product p, float[] b, int start, int column, int columns, int from, int to) {

    /// Parts that are packed by themselves.
    int groups() {
      return ceilDiv(columns, GROUP) * ceilDiv(to - from, K_BLOCK);
    }

    void pack(int group) {
      int across = ceilDiv(columns, GROUP);
      int k = from + group / across * K_BLOCK;
      int j = group % across * GROUP;
      Panels panels = Buffers.LOCAL.get().panels;
      int n = Math.min(GROUP, columns - j);
      panels.packB(p.b, p.transposeB, column + j, n, k, length(k), b, at(j, k));
    }

    /// Elements of the chains of a k-block.
    private int length(int k) {
      return Math.min(K_BLOCK, p.k - k);
    }

    /// Where the panel from column `j` of a k-block is.
    private int at(int j, int k) {
      return start + (k - from) * Tile.padded(columns) + j * Panels.rows(length(k));
    }

    /// The product with this slab. Meanwhile the next one, if there is one, is packed: between the
    /// tasks of the product, so that some threads wait for the memory while others compute.
    void multiply(ThreadTeam team, int threads, Slab next) {
      int rows = height(p.m, threads);
      int down = ceilDiv(p.m, rows);
      int wanted = down % threads == 0 ? 1 : ceilDiv(2 * threads, down);
      int across = Math.clamp(wanted, 1, ceilDiv(columns, WIDTH));
      int width = padded(columns, across);
      int groups = next == null ? 0 : next.groups();
      int tasks = down * ceilDiv(columns, width) + groups;
      team.run(
          tasks,
          task -> {
            int packed = groups * task / tasks;
            if (packed < groups * (task + 1) / tasks) {
              next.pack(packed);
            } else {
              int row = (task - packed) % down * rows;
              int j = (task - packed) / down * width;
              multiply(row, Math.min(rows, p.m - row), j, Math.min(width, columns - j));
            }
          });
    }

    /// Some rows of op(A) by columns of the slab.
    private void multiply(int row, int rows, int first, int width) {
      Buffers buffers = Buffers.LOCAL.get();
      for (int j = first; j < first + width; j += B_COLUMNS) {
        int n = Math.min(B_COLUMNS, first + width - j);
        for (int k = from; k < to; k += K_BLOCK) {
          if (j == first) {
            int at = strips(k);
            buffers.panels.packA(p.a, p.transposeA, row, rows, k, length(k), buffers.a, at);
          }
          block(buffers, row, rows, j, n, k);
        }
      }
    }

    /// Where the strips of a k-block of A are.
    private int strips(int k) {
      return (k - from) * (A_ROWS + V);
    }

    /// A packed k-block of A times one of B. The sums of a few whole rows are collected before they
    /// are added to C, so that C is streamed through and not touched a cache line at a time. They
    /// are added to what C has in the first k-block of the slab, then to what is kept of it; the
    /// last goes to C.
    private void block(Buffers buffers, int row, int rows, int j, int n, int k) {
      boolean first = k == from;
      boolean last = k + K_BLOCK >= to;
      MemorySegment source = first ? p.c.memory() : buffers.c;
      MemorySegment target = last ? p.c.memory() : buffers.c;
      float beta = k == 0 ? p.beta : 1;
      int length = length(k);
      float[] sums = buffers.sums;
      for (int i = 0; i < rows; i += TILE_ROWS) {
        int m = Math.min(TILE_ROWS, rows - i);
        int strips = strips(k) + i * K_BLOCK;
        for (int panel = 0; panel < n; panel += WIDTH) {
          int at = at(j + panel, k);
          Tile.panel(Tile.rounded(m), length, buffers.a, strips, b, at, sums, panel, B_COLUMNS);
        }
        for (int r = 0; r < m; r++) {
          long at = p.c.row(row + i + r) + 4L * (column + j);
          long kept = 4L * (i + r) * B_COLUMNS;
          int sum = r * B_COLUMNS;
          update(source, first ? at : kept, target, last ? at : kept, n, p.alpha, sums, sum, beta);
        }
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
