package dev.yushan.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/// Byte pair learning (Sennrich et al. 2016, arXiv:1508.07909) over weighted pieces.
///
/// Pair counts are kept up to date instead of counted anew: a merge visits only the pieces that
/// hold its pair. The queue may hold outdated counts; counts of pairs already in it only fall, so
/// an entry that comes out with the right count is the largest.
final class PairMerges {
  /// Two ids that become the next free one.
  record Merge(int left, int right) {}

  /// How often a piece occurs.
  static final class Weight {
    long count;
  }

  private static final class Pair {
    final int left;
    final int right;
    long count;
    int[] pieces = new int[2];
    int size;

    Pair(int left, int right) {
      this.left = left;
      this.right = right;
    }

    /// Pieces are visited in order, so a repeated one can only be the last.
    void add(long weight, int piece) {
      count += weight;
      if (weight > 0 && (size == 0 || pieces[size - 1] != piece)) {
        if (size == pieces.length) {
          pieces = Arrays.copyOf(pieces, size + (size >> 1) + 2);
        }
        pieces[size++] = piece;
      }
    }
  }

  private record Candidate(Pair pair, long count) {}

  private static final Comparator<Candidate> MOST_FREQUENT_FIRST =
      Comparator.comparingLong(Candidate::count)
          .reversed()
          .thenComparingInt(candidate -> candidate.pair().left)
          .thenComparingInt(candidate -> candidate.pair().right);

  /// Ids of all pieces one after the other; piece `i` has `lengths[i]` of them from `starts[i]`.
  private final int[] ids;

  private final int[] starts;
  private final int[] lengths;
  private final long[] weights;
  private final Map<Long, Pair> pairs = new HashMap<>();
  private final PriorityQueue<Candidate> queue = new PriorityQueue<>(MOST_FREQUENT_FIRST);
  private final List<Pair> touched = new ArrayList<>();

  private PairMerges(Map<String, Weight> pieces) {
    byte[] idOfByte = idOfByte();
    starts = new int[pieces.size()];
    lengths = new int[pieces.size()];
    weights = new long[pieces.size()];
    int[] all = new int[1024];
    int used = 0;
    int piece = 0;
    for (Map.Entry<String, Weight> entry : pieces.entrySet()) {
      byte[] bytes = entry.getKey().getBytes(StandardCharsets.UTF_8);
      if (used > Integer.MAX_VALUE - 16 - bytes.length) {
        throw new IllegalArgumentException(
            "the text has more than 2 GiB of distinct pieces; train on a sample of it");
      }
      if (used + bytes.length > all.length) {
        long larger = Math.max(used + (long) bytes.length, used + (used >> 1) + 1L);
        all = Arrays.copyOf(all, (int) Math.min(larger, Integer.MAX_VALUE - 16));
      }
      starts[piece] = used;
      lengths[piece] = bytes.length;
      weights[piece++] = entry.getValue().count;
      for (byte b : bytes) {
        all[used++] = idOfByte[b & 0xff] & 0xff;
      }
    }
    ids = all;
  }

  private static byte[] idOfByte() {
    byte[] bytes = new byte[256];
    ByteAlphabet.decode(ByteAlphabet.order(), bytes);
    byte[] ids = new byte[256];
    for (int id = 0; id < 256; id++) {
      ids[bytes[id] & 0xff] = (byte) id;
    }
    return ids;
  }

  /// At most `limit` merges of pairs that occur at least `minFrequency` times; ids 0 to 255 are the
  /// bytes in the order of the byte alphabet. Empties `pieces`, which may be large.
  static List<Merge> learn(Map<String, Weight> pieces, int limit, int minFrequency) {
    PairMerges state = new PairMerges(pieces);
    pieces.clear();
    state.countPairs();
    List<Merge> merges = new ArrayList<>();
    while (merges.size() < limit && !state.queue.isEmpty()) {
      Candidate best = state.queue.poll();
      Pair pair = best.pair();
      if (pair.count < minFrequency) {
        continue;
      }
      if (pair.count != best.count()) {
        state.queue.add(new Candidate(pair, pair.count));
        continue;
      }
      state.apply(pair, 256 + merges.size());
      merges.add(new Merge(pair.left, pair.right));
    }
    return merges;
  }

  private void countPairs() {
    Pair[] ofBytes = new Pair[1 << 16];
    for (int piece = 0; piece < starts.length; piece++) {
      int last = starts[piece] + lengths[piece] - 1;
      for (int i = starts[piece]; i < last; i++) {
        int key = ids[i] << 8 | ids[i + 1];
        if (ofBytes[key] == null) {
          ofBytes[key] = new Pair(ids[i], ids[i + 1]);
        }
        ofBytes[key].add(weights[piece], piece);
      }
    }
    for (Pair pair : ofBytes) {
      if (pair != null) {
        pairs.put(key(pair.left, pair.right), pair);
        queue.add(new Candidate(pair, pair.count));
      }
    }
  }

  private void apply(Pair pair, int made) {
    for (int i = 0; i < pair.size; i++) {
      mergeInPiece(pair, made, pair.pieces[i]);
    }
    pairs.remove(key(pair.left, pair.right));
    pair.pieces = new int[0];
    pair.count = 0;
    for (Pair fresh : touched) {
      queue.add(new Candidate(fresh, fresh.count));
    }
    touched.clear();
  }

  private void mergeInPiece(Pair pair, int made, int piece) {
    int start = starts[piece];
    int end = start + lengths[piece];
    int out = start;
    for (int in = start; in < end; out++) {
      if (in + 1 == end || ids[in] != pair.left || ids[in + 1] != pair.right) {
        ids[out] = ids[in++];
        continue;
      }
      if (out > start) {
        change(ids[out - 1], pair.left, -weights[piece], piece);
        change(ids[out - 1], made, weights[piece], piece);
      }
      if (in + 2 < end) {
        change(pair.right, ids[in + 2], -weights[piece], piece);
        change(made, ids[in + 2], weights[piece], piece);
      }
      ids[out] = made;
      in += 2;
    }
    lengths[piece] = out - start;
  }

  private void change(int left, int right, long weight, int piece) {
    pairs
        .computeIfAbsent(
            key(left, right),
            key -> {
              Pair fresh = new Pair(left, right);
              touched.add(fresh);
              return fresh;
            })
        .add(weight, piece);
  }

  private static long key(int left, int right) {
    return (long) left << 32 | right;
  }
}
