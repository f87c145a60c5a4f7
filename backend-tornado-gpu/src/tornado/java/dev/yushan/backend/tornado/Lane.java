package dev.yushan.backend.tornado;

import java.util.Map;
import java.util.TreeMap;

/// Which elements of a lane of device memory are free. First fit, and neighbours that are free
/// become one.
final class Lane {
  /// What every region is a multiple of, in elements.
  private static final long UNIT = 64;

  private final TreeMap<Long, Long> free = new TreeMap<>();

  /// A lane whose first `reserved` elements are nobody's.
  Lane(long reserved, long elements) {
    free.put(reserved, elements - reserved);
  }

  private static long rounded(long elements) {
    return (elements + UNIT - 1) / UNIT * UNIT;
  }

  /// Where a region of so many elements begins, −1 if there is no room.
  int take(long elements) {
    long size = Math.max(UNIT, rounded(elements));
    for (Map.Entry<Long, Long> hole : free.entrySet()) {
      if (hole.getValue() >= size) {
        long at = hole.getKey();
        long left = hole.getValue() - size;
        free.remove(at);
        if (left > 0) {
          free.put(at + size, left);
        }
        return Math.toIntExact(at);
      }
    }
    return -1;
  }

  /// Gives a region back.
  void give(int at, long elements) {
    long from = at;
    long size = Math.max(UNIT, rounded(elements));
    Map.Entry<Long, Long> before = free.lowerEntry(from);
    if (before != null && before.getKey() + before.getValue() == from) {
      free.remove(before.getKey());
      from = before.getKey();
      size += before.getValue();
    }
    Long after = free.remove(from + size);
    free.put(from, after == null ? size : size + after);
  }
}
