package dev.yushan.backend.tornado;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/// Matrix products: [MatmulTiles] of many rows, [MatmulRows] of some and few. All kernels compute
/// an element the same way: blocks of [#BLOCK] products, each one chain in ascending k, added up in
/// ascending order. So its bits depend on neither the kernel nor what is computed beside it. Where
/// the last chain ends within [#STEP] products, zeros follow.
///
/// Parameters: 24 M, 25 N, 26 K (bounds), 27 a, 28 and 29 its strides along rows and k; 30 b, 31
/// and 32 its strides along k and columns, 33 its type; 34 c, 35 its stride along rows; 36 alpha,
/// 38 beta, 40 whether c is read. Live counts of M at 0 and of K at [Common#SECOND].
///
/// Operands come to local memory through arrays of the thread, in loops without branches for each
/// type: so a device asks for all of a step at once. Neighbours among threads bring what lies
/// beside each other.
final class MatmulKernels {
  /// Products of one chain.
  static final int BLOCK = 64;

  /// Products that come to local memory at once.
  static final int STEP = 16;

  /// Threads of a group.
  static final int GROUP = 256;

  private MatmulKernels() {}

  /// The kernel for so many rows.
  static Kernel of(long m) {
    return m <= MatmulRows.FEW
        ? Kernel.FEW_ROWS
        : m <= MatmulRows.SEVERAL ? Kernel.SOME_ROWS : Kernel.MATMUL;
  }

  /// How many groups a kernel has for `m` rows and `n` columns.
  static long groups(Kernel kernel, long m, long n) {
    return switch (kernel) {
      case FEW_ROWS -> pieces(n, MatmulRows.COLUMNS);
      case SOME_ROWS -> pieces(m, MatmulRows.SOME) * pieces(n, MatmulRows.WIDE);
      default -> pieces(m, MatmulTiles.TILE) * pieces(n, MatmulTiles.TILE);
    };
  }

  private static long pieces(long length, long piece) {
    return (length + piece - 1) / piece;
  }

  /// Writes an element of the result, if it is one.
  static void store(IntArray p, FloatArray f, int m, int row, int column, float sum) {
    if (row < m) {
      if (column < p.get(25)) {
        int at = p.get(34) + row * p.get(35) + column;
        float value = Common.number(p, f, 36) * sum;
        if (p.get(40) == 1) {
          value = value + Common.number(p, f, 38) * f.get(at);
        }
        f.set(at, value);
      }
    }
  }
}
