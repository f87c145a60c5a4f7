package dev.yushan.text;

import java.util.Arrays;

/// Token ids as they come.
final class IdList {
  private int[] ids;
  private int size;

  IdList(int room) {
    ids = new int[room];
  }

  void add(int id) {
    if (size == ids.length) {
      ids = Arrays.copyOf(ids, 2 * size + 8);
    }
    ids[size++] = id;
  }

  void add(int[] more, int count) {
    if (size + count > ids.length) {
      ids = Arrays.copyOf(ids, 2 * (size + count));
    }
    System.arraycopy(more, 0, ids, size, count);
    size += count;
  }

  int size() {
    return size;
  }

  int[] toArray() {
    return Arrays.copyOf(ids, size);
  }
}
