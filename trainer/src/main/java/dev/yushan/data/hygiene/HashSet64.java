package dev.yushan.data.hygiene;

import java.util.Arrays;

/// A set of 64-bit hashes.
final class HashSet64 {
  private long[] slots = new long[64];
  private int size;

  /// Whether `hash` was not yet there.
  boolean add(long hash) {
    long key = hash == 0 ? 1 : hash;
    if (2 * size > slots.length) {
      grow();
    }
    int slot = find(key);
    if (slots[slot] == key) {
      return false;
    }
    slots[slot] = key;
    size++;
    return true;
  }

  private int find(long key) {
    int slot = (int) key & slots.length - 1;
    while (slots[slot] != 0 && slots[slot] != key) {
      slot = slot + 1 & slots.length - 1;
    }
    return slot;
  }

  private void grow() {
    long[] old = slots;
    slots = new long[old.length * 2];
    Arrays.stream(old).filter(key -> key != 0).forEach(key -> slots[find(key)] = key);
  }
}
