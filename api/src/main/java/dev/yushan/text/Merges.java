package dev.yushan.text;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/// Byte pair encoding by a list of merges, as the Hugging Face library does it: of all neighbours
/// that are a pair of the list, the one that comes first in the list becomes one token, the
/// leftmost of equals, until none is left. Immutable, for any thread.
///
/// The pairs are in one table of open addressing. Most neighbours are no pair, and a look-up in
/// some megabytes waits for the memory: hence a filter of bits before it, which the nearer caches
/// hold, and a table of its own for pairs of bytes, with which every piece begins. A piece is an
/// array of ids beside an array with the rank of each pair of neighbours: a merge is a search for
/// the least rank and two look-ups. Pieces of very many bytes are merged by a queue, in the same
/// order.
final class Merges {
  private static final int NONE = Integer.MAX_VALUE;

  /// Up to so many bytes the search is faster than the queue.
  private static final int SHORT = 400;

  private static final long FREE = -1;

  /// Bits of the filter for each merge: one in sixteen of the neighbours that are no pair passes.
  private static final int FILTER = 16;

  private final int[] idOfByte;
  private final long[] pairs;
  private final int[] ranks;
  private final int[] made;
  private final int shift;
  private final long[] filter;
  private final int filterShift;
  private final int[] rankOfBytes = new int[1 << 16];

  private Merges(int[] idOfByte, int merges) {
    this.idOfByte = idOfByte;
    int slots = Integer.highestOneBit(Math.max(1, merges + (merges >> 1))) << 1;
    shift = Long.numberOfLeadingZeros(slots) + 1;
    pairs = new long[slots];
    Arrays.fill(pairs, FREE);
    ranks = new int[slots];
    made = new int[merges];
    int bits = Integer.highestOneBit(Math.max(64, FILTER * merges - 1)) << 1;
    filter = new long[bits / Long.SIZE];
    filterShift = Long.numberOfLeadingZeros(bits) + 1;
  }

  /// The merges of a vocabulary.
  ///
  /// @param vocab tokens in the byte alphabet, all bytes among them
  /// @param merges each as `left right`
  /// @param field theirs, for messages
  static Merges of(Map<String, Integer> vocab, List<String> merges, JsonField field) {
    int[] idOfByte = new int[256];
    for (char c : ByteAlphabet.order().toCharArray()) {
      idOfByte[ByteAlphabet.decode(String.valueOf(c))[0] & 0xff] = vocab.get(String.valueOf(c));
    }
    Merges table = new Merges(idOfByte, merges.size());
    for (int rank = 0; rank < merges.size(); rank++) {
      String merge = merges.get(rank);
      int space = merge.indexOf(' ');
      String left = merge.substring(0, space);
      String right = merge.substring(space + 1);
      Integer becomes = vocab.get(left + right);
      if (becomes == null || !vocab.containsKey(left) || !vocab.containsKey(right)) {
        throw field.refuse(
            "[%d] is \"%s\", but model.vocab lacks one of its parts or what it makes"
                .formatted(rank, merge));
      }
      table.put(pair(vocab.get(left), vocab.get(right)), rank);
      table.made[rank] = becomes;
    }
    for (int pair = 0; pair < 1 << 16; pair++) {
      table.rankOfBytes[pair] = table.rank(idOfByte[pair >> 8], idOfByte[pair & 0xff]);
    }
    return table;
  }

  private static long pair(int left, int right) {
    return (long) left << 32 | right;
  }

  private static long hash(long pair) {
    return pair * 0x9E3779B97F4A7C15L;
  }

  private int slot(long pair) {
    int slot = (int) (hash(pair) >>> shift);
    while (pairs[slot] != pair && pairs[slot] != FREE) {
      slot = slot + 1 & pairs.length - 1;
    }
    return slot;
  }

  /// Of a pair that is listed twice the later place counts, as there.
  private void put(long pair, int rank) {
    int slot = slot(pair);
    pairs[slot] = pair;
    ranks[slot] = rank;
    int bit = (int) (hash(pair) >>> filterShift);
    filter[bit >>> 6] |= 1L << bit;
  }

  private int rank(int left, int right) {
    long pair = pair(left, right);
    int bit = (int) (hash(pair) >>> filterShift);
    if ((filter[bit >>> 6] >>> bit & 1) == 0) {
      return NONE;
    }
    int slot = slot(pair);
    return pairs[slot] == FREE ? NONE : ranks[slot];
  }

  /// Where pieces are merged; for one thread.
  static final class Scratch {
    private int[] ids = new int[64];
    private int[] ranks = new int[64];

    private void makeRoom(int size) {
      if (ids.length < size) {
        ids = new int[2 * size];
        ranks = new int[2 * size];
      }
    }
  }

  /// Gives the tokens of a piece, which is not empty.
  void encode(byte[] piece, Scratch scratch, IdList to) {
    scratch.makeRoom(piece.length);
    int[] ids = scratch.ids;
    int[] ranks = scratch.ranks;
    for (int i = 0; i < piece.length; i++) {
      ids[i] = idOfByte[piece[i] & 0xff];
      ranks[i] =
          i + 1 == piece.length ? NONE : rankOfBytes[(piece[i] & 0xff) << 8 | piece[i + 1] & 0xff];
    }
    int count =
        piece.length <= SHORT
            ? merge(ids, ranks, piece.length)
            : new LongPiece(ids, piece.length).merge();
    to.add(ids, count);
  }

  private int merge(int[] ids, int[] next, int bytes) {
    int count = bytes;
    while (true) {
      int least = NONE;
      for (int i = 0; i < count - 1; i++) { // a loop that becomes vector instructions
        least = Math.min(least, next[i]);
      }
      if (least == NONE) {
        return count;
      }
      int at = 0;
      while (next[at] != least) {
        at++;
      }
      ids[at] = made[least];
      count--;
      System.arraycopy(ids, at + 2, ids, at + 1, count - at - 1);
      System.arraycopy(next, at + 2, next, at + 1, Math.max(0, count - at - 2));
      if (at + 1 < count) {
        next[at] = rank(ids[at], ids[at + 1]);
      }
      if (at > 0) {
        next[at - 1] = rank(ids[at - 1], ids[at]);
      }
    }
  }

  /// A piece of many bytes: a list of tokens, and a queue of the pairs that can merge.
  private final class LongPiece {
    private final int[] ids;
    private final int[] next;
    private final int[] previous;
    private final PriorityQueue<Long> queue = new PriorityQueue<>();

    LongPiece(int[] ids, int size) {
      this.ids = ids;
      next = new int[size];
      previous = new int[size];
      for (int i = 0; i < size; i++) {
        next[i] = i + 1;
        previous[i] = i - 1;
      }
      for (int i = 0; i < size; i++) {
        offer(i);
      }
    }

    private int rankAt(int at) {
      return next[at] == next.length ? NONE : rank(ids[at], ids[next[at]]);
    }

    private void offer(int at) {
      int rank = rankAt(at);
      if (rank != NONE) {
        queue.add((long) rank << 32 | at);
      }
    }

    int merge() {
      while (!queue.isEmpty()) {
        long entry = queue.poll();
        int at = (int) entry;
        // stale where the left token is part of another by now, or has another neighbour
        if (next[at] >= 0 && rankAt(at) == (int) (entry >>> 32)) {
          merge(at, (int) (entry >>> 32));
        }
      }
      int count = 0;
      for (int i = 0; i < next.length; i = next[i]) {
        ids[count++] = ids[i];
      }
      return count;
    }

    private void merge(int at, int rank) {
      ids[at] = made[rank];
      int gone = next[at];
      next[at] = next[gone];
      next[gone] = -1;
      if (next[at] < next.length) {
        previous[next[at]] = at;
      }
      if (previous[at] >= 0) {
        offer(previous[at]);
      }
      offer(at);
    }
  }
}
