package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;

import jdk.incubator.vector.FloatVector;

/// Small matrix products on packed operands: what [Matmul] and attention are made of.
///
/// A is packed as strips, one for each row, [#STRIP] elements apart. B is packed as panels of
/// [#WIDTH] columns: element (p, j) lies at `(j / WIDTH · panelRows + p) · WIDTH + j % WIDTH`.
/// Every element of a product is one chain of fused multiply-adds from zero in ascending p.
final class Tile {
  /// Elements from strip to strip, the longest chain.
  static final int STRIP = 256;

  private static final boolean WIDE = Lanes.COUNT == 16;
  private static final int V = Lanes.COUNT;

  /// Columns of a panel.
  static final int WIDTH = WIDE ? Tile8x2.WIDTH : Tile6x2.WIDTH;

  /// Rows that are computed together.
  static final int ROWS = WIDE ? Tile8x2.ROWS : Tile6x2.ROWS;

  private Tile() {}

  /// As many rows as are computed in the time of `rows`: where a strip beyond the last may be read
  /// and its sums written, a tile with them is faster than two smaller ones.
  static int rounded(int rows) {
    return rows == 1 ? 1 : (rows + 1) / 2 * 2;
  }

  /// `columns` rounded up to whole panels.
  static int padded(int columns) {
    return (columns + WIDTH - 1) / WIDTH * WIDTH;
  }

  /// One panel: `out[r, ·] = Σ a[r, p] · b[p, ·]` over `p` from 0 to `kc`.
  ///
  /// @param rows at most [#ROWS]
  static void panel(
      int rows, int kc, float[] a, int ao, float[] b, int bo, float[] out, int oo, int ld) {
    if (WIDE) {
      Tile8x2.run(rows, kc, a, ao, b, bo, out, oo, ld);
    } else {
      Tile6x2.run(rows, kc, a, ao, b, bo, out, oo, ld);
    }
  }

  /// At most [#ROWS] strips from `ao` by all panels that `columns` touch.
  static void rows(
      int rows,
      int columns,
      int kc,
      float[] a,
      int ao,
      float[] b,
      int panelRows,
      float[] out,
      int oo,
      int ld) {
    for (int j = 0; j < columns; j += WIDTH) {
      panel(rows, kc, a, ao, b, j * panelRows, out, oo + j, ld);
    }
  }

  /// [#rows] with a chain length of its own for each row: `counts[i]`.
  static void ragged(
      int rows,
      int columns,
      int[] counts,
      float[] a,
      int ao,
      float[] b,
      int panelRows,
      float[] out,
      int ld) {
    int common = counts[0];
    for (int i = 1; i < rows; i++) {
      common = Math.min(common, counts[i]);
    }
    rows(rows, columns, common, a, ao, b, panelRows, out, 0, ld);
    for (int i = 0; i < rows; i++) {
      if (counts[i] > common) {
        for (int j = 0; j < columns; j += V) {
          int panel = (j / WIDTH * panelRows * WIDTH) + j % WIDTH;
          extend(common, counts[i], a, ao + i * STRIP, b, panel, out, i * ld + j);
        }
      }
    }
  }

  /// Goes on with the chains of one vector of sums.
  private static void extend(
      int from, int to, float[] a, int ao, float[] b, int bo, float[] out, int at) {
    FloatVector sum = FloatVector.fromArray(F32, out, at);
    for (int p = from; p < to; p++) {
      FloatVector x = FloatVector.broadcast(F32, a[ao + p]);
      sum = x.fma(FloatVector.fromArray(F32, b, bo + p * WIDTH), sum);
    }
    sum.intoArray(out, at);
  }
}
