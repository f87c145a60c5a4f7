package dev.yushan.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The documents of one shard, in memory, as they are added.
final class ShardBuilder {
  /// How many bad records are kept by name; all are counted.
  private static final int NAMED = 100;

  private long[] positions = new long[64];
  private long[] offsets = new long[65];
  private int documents;
  private int[] ids = new int[1 << 12];
  private int[] labels = new int[0];
  private int tokens;
  private ReadCounts counts = ReadCounts.ZERO;
  private final List<BadRecord> bad = new ArrayList<>();

  void addBad(long position, String why) {
    counts = counts.plus(new ReadCounts(1, 1, 0, 0, 0, 0, 0, 0, 0, 0));
    name(position, why);
  }

  void addEmpty(long position, String why) {
    counts = counts.plus(new ReadCounts(1, 0, 1, 0, 0, 0, 0, 0, 0, 0));
    name(position, why);
  }

  private void name(long position, String why) {
    if (bad.size() < NAMED) {
      bad.add(new BadRecord(position, why));
    }
  }

  void addText(long position, int[] prefix, int[] text, int[] suffix, int specialTexts) {
    counts =
        counts.plus(
            new ReadCounts(
                1, 0, 0, 1, 0, text.length, prefix.length, suffix.length, 0, specialTexts));
    begin(position, (long) prefix.length + text.length + suffix.length);
    for (int[] part : new int[][] {prefix, text, suffix}) {
      append(part, part);
    }
    end();
  }

  void addIds(long position, RecordContent.Ids record) {
    counts = counts.plus(new ReadCounts(1, 0, 0, 0, 1, 0, 0, 0, record.ids().length, 0));
    begin(position, record.ids().length);
    if (record.hasLabels() && !hasLabels()) {
      labels = Arrays.copyOf(ids, Math.max(1, ids.length));
    }
    append(record.ids(), record.hasLabels() ? record.labels() : record.ids());
    end();
  }

  /// Appends all documents of another shard, without labels, at positions `by` higher.
  void addAll(Shard other, long by) {
    counts = counts.plus(other.info().counts());
    for (int d = 0; d < other.documents(); d++) {
      int length = (int) (other.offset(d + 1) - other.offset(d));
      begin(other.position(d) + by, length);
      other.copyIds(other.offset(d), ids, tokens, length);
      tokens += length;
      end();
    }
  }

  private void begin(long position, long length) {
    if (documents == positions.length) {
      positions = Arrays.copyOf(positions, 2 * documents);
      offsets = Arrays.copyOf(offsets, 2 * documents + 1);
    }
    positions[documents] = position;
    long needed = tokens + length;
    if (needed > Integer.MAX_VALUE - 16) {
      throw new DataException(
          "record " + position + " has too many tokens for one shard: split it");
    }
    if (needed > ids.length) {
      int room = (int) Math.min(Integer.MAX_VALUE - 16, Math.max(needed, 2L * ids.length));
      ids = Arrays.copyOf(ids, room);
      labels = hasLabels() ? Arrays.copyOf(labels, room) : labels;
    }
  }

  private void append(int[] newIds, int[] newLabels) {
    System.arraycopy(newIds, 0, ids, tokens, newIds.length);
    if (hasLabels()) {
      System.arraycopy(newLabels, 0, labels, tokens, newIds.length);
    }
    tokens += newIds.length;
  }

  private void end() {
    documents++;
    offsets[documents] = tokens;
  }

  boolean hasLabels() {
    return labels.length > 0;
  }

  int documents() {
    return documents;
  }

  int tokens() {
    return tokens;
  }

  /// `[documents]`, valid up to there.
  long[] positions() {
    return positions;
  }

  /// `[documents + 1]`, valid up to there.
  long[] offsets() {
    return offsets;
  }

  /// `[tokens]`, valid up to there.
  int[] ids() {
    return ids;
  }

  /// `[tokens]`, valid up to there, where there are labels.
  int[] labels() {
    return labels;
  }

  ReadCounts counts() {
    return counts;
  }

  List<BadRecord> bad() {
    return bad;
  }
}
