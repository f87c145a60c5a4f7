package dev.yushan.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/// Which rows hold the keys and values of one sequence, by position.
sealed interface KeyRows {
  /// The rows of positions `from` (included) to `to` (excluded), into `rows` from 0 on.
  void rows(int from, int to, int[] rows);

  /// One after the other from row `start` on.
  record Contiguous(int start) implements KeyRows {
    @Override
    public void rows(int from, int to, int[] rows) {
      for (int i = from; i < to; i++) {
        rows[i - from] = start + i;
      }
    }
  }

  /// In pages of `length` rows, whose numbers are I32 from byte `at` of `table` on.
  record Paged(MemorySegment table, long at, int length) implements KeyRows {
    @Override
    public void rows(int from, int to, int[] rows) {
      for (int i = from; i < to; i++) {
        int page = table.get(JAVA_INT_UNALIGNED, at + 4L * (i / length));
        rows[i - from] = page * length + i % length;
      }
    }
  }
}
