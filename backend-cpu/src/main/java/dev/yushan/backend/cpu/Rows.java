package dev.yushan.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Rows by index, and conversion between types.
final class Rows {
  /// Elements converted at a time, whole blocks of every type.
  private static final int CHUNK = 4096;

  private Rows() {}

  private static int id(String op, MemorySegment ids, long i, long rows) {
    int id = ids.get(JAVA_INT_UNALIGNED, 4 * i);
    if (id < 0 || id >= rows) {
      throw new IllegalArgumentException(
          "%s: id %d at %d is not a row of a table of %d".formatted(op, id, i, rows));
    }
    return id;
  }

  /// `out[i] = table[ids[i]]`.
  static void gather(ThreadTeam team, Matrix table, MemorySegment ids, Matrix out) {
    team.ranges(
        out.rows(),
        1 + Elementwise.GRAIN / Math.max(1, out.columns()),
        (from, to) -> {
          for (long i = from; i < to; i++) {
            int id = id("gather", ids, i, table.rows());
            if (table.packed()) {
              float[] row = new float[table.columns()];
              Packed.row(table, id, row);
              Narrow.floats(row, 0, row.length, out.dtype(), out.memory(), out.row(i));
            } else {
              convert(table, table.row(id), out, out.row(i), out.columns());
            }
          }
        });
  }

  /// `table[ids[i]] = rows[i]` where `ids[i]` is not negative.
  static void scatter(ThreadTeam team, Matrix rows, MemorySegment ids, Matrix table) {
    team.ranges(
        rows.rows(),
        1 + Elementwise.GRAIN / Math.max(1, rows.columns()),
        (from, to) -> {
          for (long i = from; i < to; i++) {
            if (ids.get(JAVA_INT_UNALIGNED, 4 * i) >= 0) {
              long row = table.row(id("scatter", ids, i, table.rows()));
              convert(rows, rows.row(i), table, row, rows.columns());
            }
          }
        });
  }

  /// `table[ids[i]] += rows[i]` in ascending `i`. Threads share the columns, not the rows.
  static void scatterAdd(ThreadTeam team, Matrix rows, MemorySegment ids, Matrix table) {
    team.ranges(
        rows.columns(),
        64,
        (from, to) -> {
          for (long i = 0; i < rows.rows(); i++) {
            int id = id("scatterAdd", ids, i, table.rows());
            Elementwise.addInto(
                rows.memory(),
                rows.row(i) + 4 * from,
                table.memory(),
                table.row(id) + 4 * from,
                (int) (to - from));
          }
        });
  }

  /// Converts `elements` contiguous elements of one type to another.
  static void copy(ThreadTeam team, Matrix source, Matrix target, long elements) {
    long chunks = (elements + CHUNK - 1) / CHUNK;
    team.ranges(
        chunks,
        4,
        (from, to) -> {
          for (long chunk = from; chunk < to; chunk++) {
            long at = chunk * CHUNK;
            int n = (int) Math.min(CHUNK, elements - at);
            convert(source, source.dtype().bytes(at), target, target.dtype().bytes(at), n);
          }
        });
  }

  private static void convert(Matrix source, long at, Matrix target, long to, int n) {
    DType from = source.dtype();
    DType into = target.dtype();
    if (from == into) {
      MemorySegment.copy(source.memory(), at, target.memory(), to, from.bytes(n));
      return;
    }
    float[] buffer = new float[Math.min(n, CHUNK)];
    for (int i = 0; i < n; i += CHUNK) {
      int part = Math.min(CHUNK, n - i);
      Widen.floats(from, source.memory(), at + from.bytes(i), buffer, 0, part);
      Narrow.floats(buffer, 0, part, into, target.memory(), to + into.bytes(i));
    }
  }
}
