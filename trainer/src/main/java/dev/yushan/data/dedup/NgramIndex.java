package dev.yushan.data.dedup;

import dev.yushan.data.DataException;
import java.util.Arrays;

/// Which records have which n-gram: an open-addressing table of hashes, and for each the list of
/// records, all in primitive arrays: 28 to 52 bytes for each n-gram of each record, up to 24 more
/// while it is made.
final class NgramIndex {
  static final int NONE = -1;

  private static final int MOST = 1 << 28;

  private final long[] table;

  /// Of the hash in slot s, `records[starts[s] … starts[s + 1] - 1]`.
  private final int[] starts;

  private final int[] records;

  /// What is collected before the index can be made.
  static final class Entries {
    private long[] hashes = new long[1 << 10];
    private int[] records = new int[1 << 10];
    private int size;

    /// `hashes` are different ones, of the record `record`.
    void add(long[] hashes, int record) {
      if (size > MOST - hashes.length) {
        throw new DataException(
            "files: benchmarks of more than %d n-grams do not fit; name fewer files"
                .formatted(MOST));
      }
      for (long hash : hashes) {
        if (size == records.length) {
          this.hashes = Arrays.copyOf(this.hashes, 2 * size);
          records = Arrays.copyOf(records, 2 * size);
        }
        this.hashes[size] = notZero(hash);
        records[size++] = record;
      }
    }
  }

  NgramIndex(Entries entries) {
    table = new long[Integer.highestOneBit(2 * entries.size + 1) << 1];
    starts = new int[table.length + 1];
    for (int e = 0; e < entries.size; e++) {
      int slot = slot(entries.hashes[e]);
      table[slot] = entries.hashes[e];
      starts[slot + 1]++;
    }
    for (int s = 0; s < table.length; s++) {
      starts[s + 1] += starts[s];
    }
    records = new int[entries.size];
    int[] at = Arrays.copyOf(starts, table.length);
    for (int e = 0; e < entries.size; e++) {
      records[at[slot(entries.hashes[e])]++] = entries.records[e];
    }
  }

  /// Zero marks an empty slot.
  private static long notZero(long hash) {
    return hash == 0 ? 1 : hash;
  }

  private int slot(long hash) {
    int slot = (int) hash & (table.length - 1);
    while (table[slot] != 0 && table[slot] != hash) {
      slot = (slot + 1) & (table.length - 1);
    }
    return slot;
  }

  /// The slot of an n-gram, or [#NONE] if no record has it.
  int find(long hash) {
    int slot = slot(notZero(hash));
    return table[slot] == 0 ? NONE : slot;
  }

  /// The records that have the n-gram in `slot`, in order, each once.
  int[] records(int slot) {
    return Arrays.copyOfRange(records, starts[slot], starts[slot + 1]);
  }

  boolean has(int slot, int record) {
    return Arrays.binarySearch(records, starts[slot], starts[slot + 1], record) >= 0;
  }
}
