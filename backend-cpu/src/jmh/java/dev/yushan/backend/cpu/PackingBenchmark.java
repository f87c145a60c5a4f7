package dev.yushan.backend.cpu;

import dev.yushan.tensor.DType;
import java.lang.foreign.Arena;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Packing all of a matrix of 128 MiB as A or as B of a product, in blocks of the size that
/// [Matmul] takes.
@State(Scope.Benchmark)
public class PackingBenchmark extends KernelBenchmark {
  private static final int COLUMNS = 2048;
  private static final int LENGTH = Matmul.K_BLOCK;

  /// Rows of op(A), or columns of op(B), of a block.
  private static final int A_ROWS = 128;

  private static final int B_COLUMNS = 512;

  @Param({"false", "true"})
  public boolean transposed;

  private final Arena arena = Arena.ofShared();
  private Matrix matrix;

  /// Buffers of one thread.
  private static final class Buffers {
    private static final ThreadLocal<Buffers> LOCAL = ThreadLocal.withInitial(Buffers::new);

    final float[] out = new float[(B_COLUMNS + Lanes.COUNT) * LENGTH];
    final Panels panels = new Panels();
  }

  @Setup
  public void allocate() {
    matrix = large(arena, DType.F32, COLUMNS, false);
  }

  @TearDown
  public void free() {
    arena.close();
  }

  @Benchmark
  public void a(Team threads, Reads reads) {
    blocks(
        threads,
        A_ROWS,
        LENGTH,
        (buffers, row, column) ->
            buffers.panels.packA(matrix, transposed, row, A_ROWS, column, LENGTH, buffers.out, 0));
    reads.add(matrix.memory().byteSize());
  }

  @Benchmark
  public void b(Team threads, Reads reads) {
    blocks(
        threads,
        LENGTH,
        B_COLUMNS,
        (buffers, row, column) ->
            buffers.panels.packB(
                matrix, transposed, column, B_COLUMNS, row, LENGTH, buffers.out, 0));
    reads.add(matrix.memory().byteSize());
  }

  private interface Block {
    void pack(Buffers buffers, int row, int column);
  }

  /// All blocks of `rows` by `columns` of the matrix, or of its transpose.
  private void blocks(Team threads, int rows, int columns, Block block) {
    int down = (transposed ? COLUMNS : matrix.rows()) / rows;
    int across = (transposed ? matrix.rows() : COLUMNS) / columns;
    threads.team.run(
        down * across, i -> block.pack(Buffers.LOCAL.get(), i % down * rows, i / down * columns));
  }
}
