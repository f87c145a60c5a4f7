package dev.yushan.text;

import java.util.Map;
import java.util.PriorityQueue;

/// Byte pair merging by rank, the plain way: of all neighbours whose concatenation is a token, the
/// one with the lowest id merges first, the leftmost of equals. O(n log n) in the piece.
///
/// It is the reference that [MergeOrder] reasons with, and what encodes very long pieces, which
/// JTokkit merges rank by rank; that order is not the same where a merge makes a token with a
/// higher id than the one it then becomes part of (81 tokens of Llama 3 come about so).
final class RankMerge {
  private final String piece;
  private final Map<String, Integer> vocab;
  private final int[] next;
  private final int[] previous;
  private final PriorityQueue<Long> queue = new PriorityQueue<>();
  private int count;

  private RankMerge(String piece, Map<String, Integer> vocab) {
    this.piece = piece;
    this.vocab = vocab;
    this.count = piece.length();
    next = new int[count];
    previous = new int[count];
    for (int i = 0; i < count; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
  }

  /// Where the tokens of `piece` (in the byte alphabet) start, closed by its length. Merging ends
  /// when nothing merges, or as soon as only `stopAt` tokens are left.
  static int[] boundaries(String piece, Map<String, Integer> vocab, int stopAt) {
    RankMerge merge = new RankMerge(piece, vocab);
    for (int i = 0; i + 1 < piece.length(); i++) {
      merge.offer(i);
    }
    while (merge.count > stopAt && !merge.queue.isEmpty()) {
      merge.apply(merge.queue.poll());
    }
    int[] starts = new int[merge.count + 1];
    for (int i = 1; i <= merge.count; i++) {
      starts[i] = merge.next[starts[i - 1]];
    }
    return starts;
  }

  private int rank(int at) {
    if (next[at] == piece.length()) {
      return -1;
    }
    return vocab.getOrDefault(piece.substring(at, next[next[at]]), -1);
  }

  private void offer(int at) {
    int rank = rank(at);
    if (rank >= 0) {
      queue.add((long) rank << 32 | at);
    }
  }

  private void apply(long entry) {
    int at = (int) entry;
    // An entry is stale when its left token was swallowed or a neighbour has changed since.
    if (next[at] < 0 || rank(at) != (int) (entry >>> 32)) {
      return;
    }
    int swallowed = next[at];
    int after = next[swallowed];
    next[at] = after;
    next[swallowed] = -1;
    if (after < piece.length()) {
      previous[after] = at;
    }
    count--;
    if (previous[at] >= 0) {
      offer(previous[at]);
    }
    offer(at);
  }
}
