package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;

import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/// Copies blocks of matrices into heap arrays, converted to floats, in the order in which [Tile]
/// reads them: rows as strips, or columns as panels. Loads from a `float[]` cost the inner loop a
/// third of those from a `MemorySegment`.
final class Panels {
  private static final int V = Lanes.COUNT;
  private static final int STRIP = Tile.STRIP;
  private static final int WIDTH = Tile.WIDTH;

  /// Panels that are filled together: rows far apart in memory are read some cache lines at a time.
  private static final int PANELS = 4;

  private final float[] stripe = new float[V * STRIP];
  private final float[] square = new float[V * V];

  /// Where parts of rows start, in bytes.
  private long[] starts = {};

  /// The strips of A: element (i, p) goes to `out[at + i · STRIP + p]`.
  ///
  /// @param a op(A) is `a`, or its transpose where `transposed`
  /// @param row first row of op(A), of `rows`
  /// @param k first column of op(A), of `kc`
  void packA(Matrix a, boolean transposed, int row, int rows, int k, int kc, float[] out, int at) {
    if (!transposed) {
      for (int i = 0; i < rows; i++) {
        Widen.floats(DType.F32, a.memory(), a.at(row + i, k), out, at + i * STRIP, kc);
      }
      return;
    }
    // rows of the stripe are k, its columns the rows of op(A)
    for (int i = 0; i < rows; i += STRIP) {
      int n = Math.min(STRIP, rows - i);
      for (int p = 0; p < kc; p += V) {
        fillStripe(a, k + p, Math.min(V, kc - p), row + i, n);
        Transpose.stripe(stripe, 0, STRIP, n, out, at + i * STRIP + p, STRIP, square);
      }
    }
  }

  /// Rows of a panel of B: whole vectors, as transposing writes them.
  static int rows(int kc) {
    return (kc + V - 1) / V * V;
  }

  /// The panels of B: element (p, j) goes to `out[at + (j / WIDTH · rows(kc) + p) · WIDTH + j %
  /// WIDTH]`. The last panel is filled up with anything.
  ///
  /// @param b op(B) is `b`, or its transpose where `transposed`, as it must be where `b` is packed
  /// @param column first column of op(B), of `columns`: a multiple of WIDTH
  /// @param k first row of op(B), of `kc`
  void packB(
      Matrix b, boolean transposed, int column, int columns, int k, int kc, float[] out, int at) {
    int rows = rows(kc);
    if (transposed) {
      int packed = Math.clamp(b.packedRows() - column, 0, columns);
      for (int j = 0; j < packed; j += WIDTH) {
        Packed.panel(b, column + j, k, kc, out, at + j * rows);
      }
      for (int j = packed; j < columns; j += V) {
        fillStripe(b, column + j, Math.min(V, columns - j), k, kc);
        int to = at + j / WIDTH * WIDTH * rows + j % WIDTH;
        Transpose.stripe(stripe, 0, STRIP, kc, out, to, WIDTH, square);
      }
      return;
    }
    for (int j = 0; j < columns; j += PANELS * WIDTH) {
      int end = Math.min(columns, j + PANELS * WIDTH);
      for (int p = 0; p < kc; p++) {
        for (int i = j; i < end; i += WIDTH) {
          copyRow(
              b, b.at(k + p, column + i), Math.min(WIDTH, end - i), out, at + i * rows + p * WIDTH);
        }
      }
    }
  }

  /// A part of a row that lies within one panel.
  private static void copyRow(Matrix b, long from, int n, float[] out, int to) {
    if (b.dtype() == DType.F32 && n == WIDTH) {
      for (int j = 0; j < WIDTH; j += V) {
        FloatVector.fromMemorySegment(F32, b.memory(), from + 4L * j, ORDER).intoArray(out, to + j);
      }
    } else {
      Widen.floats(b.dtype(), b.memory(), from, out, to, n);
    }
  }

  private void fillStripe(Matrix m, int row, int rows, int column, int columns) {
    for (int i = 0; i < rows; i++) {
      Widen.floats(m.dtype(), m.memory(), m.at(row + i, column), stripe, i * STRIP, columns);
    }
  }

  /// Rows chosen by index, `columns` of each from `column` on, as strips.
  static void strips(Matrix m, int[] rows, int n, int column, int columns, float[] out) {
    for (int i = 0; i < n; i++) {
      Widen.floats(m.dtype(), m.memory(), m.at(rows[i], column), out, i * STRIP, columns);
    }
  }

  /// Parts of rows as panels: element (i, c) is panel element (i, c) of `n` panel rows.
  ///
  /// @param rows the row of each part
  /// @param parts which `columns` columns of its row each part is
  void panels(Matrix m, int[] rows, int[] parts, int n, int columns, float[] out) {
    find(m, rows, parts, n, columns);
    if (vectors(m, columns)) {
      for (int j = 0; j < columns; j += V) {
        copyVectors(m.memory(), starts, n, 4L * j, out, j / WIDTH * WIDTH * n + j % WIDTH);
      }
      return;
    }
    for (int j = 0; j < columns; j += WIDTH) {
      int width = Math.min(WIDTH, columns - j);
      long offset = m.dtype().bytes(j);
      for (int i = 0; i < n; i++) {
        Widen.floats(m.dtype(), m.memory(), starts[i] + offset, out, j * n + i * WIDTH, width);
      }
    }
  }

  private static boolean vectors(Matrix m, int columns) {
    return m.dtype() == DType.F32 && columns % V == 0;
  }

  /// A vector of each part: one loop over many, since C2 spends more on short ones than on copying.
  private static void copyVectors(
      MemorySegment memory, long[] starts, int n, long offset, float[] out, int to) {
    for (int i = 0; i < n; i++) {
      FloatVector.fromMemorySegment(F32, memory, starts[i] + offset, ORDER)
          .intoArray(out, to + i * WIDTH);
    }
  }

  /// Parts of rows as panels of their transpose: element (i, c) is panel element (c, i) of
  /// `columns` panel rows.
  void transposed(Matrix m, int[] rows, int[] parts, int n, int columns, float[] out) {
    find(m, rows, parts, n, columns);
    for (int i = 0; i < n; i += V) {
      int to = i / WIDTH * columns * WIDTH + i % WIDTH;
      if (vectors(m, columns) && i + V <= n) {
        Transpose.rows(m.memory(), starts, i, columns, out, to, WIDTH, square);
      } else {
        for (int r = 0; r < Math.min(V, n - i); r++) {
          Widen.floats(m.dtype(), m.memory(), starts[i + r], stripe, r * STRIP, columns);
        }
        Transpose.stripe(stripe, 0, STRIP, columns, out, to, WIDTH, square);
      }
    }
  }

  private void find(Matrix m, int[] rows, int[] parts, int n, int columns) {
    if (starts.length < n) {
      starts = new long[n];
    }
    long row = m.row(1);
    long part = m.dtype().bytes(columns);
    for (int i = 0; i < n; i++) {
      starts[i] = rows[i] * row + parts[i] * part;
    }
  }

  /// V strips of `n` elements as `n` strips of V elements.
  void transpose(float[] strips, int from, int n, float[] out, int to) {
    Transpose.stripe(strips, from, STRIP, n, out, to, STRIP, square);
  }
}
