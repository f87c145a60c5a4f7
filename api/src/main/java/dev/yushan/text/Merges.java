package dev.yushan.text;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// The merges of a vocabulary: what two neighbours become, and how early. To merge a piece is to
/// join, again and again, the pair of neighbours that comes first in the list (the leftmost of
/// equals), as the Hugging Face library does.
///
/// A merge is its rank (its place in the list) in the upper half and the id it makes in the lower,
/// so that the least comes first. The table is one array with open addressing: a pair of ids, then
/// its merge, and so on.
final class Merges {
  /// What a pair has that does not merge: later than all merges.
  static final long NONE = Long.MAX_VALUE;

  private static final long EMPTY = -1;

  private final long[] table;
  private final int shift;

  /// A bit for each hash that some pair has, eight times as many as the table has places: most
  /// neighbours do not merge, and this array, which stays in a near cache, says so.
  private final long[] seen;

  private final Seams seams = new Seams();

  private Merges(int count) {
    int bits = Math.max(8, 32 - Integer.numberOfLeadingZeros(count + count / 2));
    table = new long[2 << bits];
    Arrays.fill(table, EMPTY);
    shift = 64 - bits;
    seen = new long[1 << bits + 3 - 6];
  }

  /// Reads `merges`, each written `left right` in the byte alphabet of `vocab`. Of a pair listed
  /// twice the last place counts, as in the library.
  static Merges of(List<String> merges, Map<String, Integer> vocab, JsonField field) {
    Merges table = new Merges(merges.size());
    for (int rank = 0; rank < merges.size(); rank++) {
      String merge = merges.get(rank);
      String left = merge.substring(0, merge.indexOf(' '));
      String right = merge.substring(left.length() + 1);
      Integer made = vocab.get(left.concat(right));
      if (made == null || !vocab.containsKey(left) || !vocab.containsKey(right)) {
        throw field.refuse(
            "[%d] is \"%s\", but model.vocab lacks one of its parts or what it makes"
                .formatted(rank, merge));
      }
      table.put(pair(vocab.get(left), vocab.get(right)), (long) rank << 32 | made);
      table.seams.add(ByteAlphabet.decode(left), ByteAlphabet.decode(right));
    }
    return table;
  }

  /// The merge of two neighbours, or [#NONE].
  long of(int left, int right) {
    long pair = pair(left, right);
    long hash = hash(pair);
    int bit = (int) (hash >>> shift - 3);
    if ((seen[bit >>> 6] & 1L << bit) == 0) {
      return NONE;
    }
    int at = (int) (hash >>> shift) << 1;
    while (table[at] != pair) {
      if (table[at] == EMPTY) {
        return NONE;
      }
      at = at + 2 & table.length - 1;
    }
    return table[at + 1];
  }

  Seams seams() {
    return seams;
  }

  /// The id that a merge makes.
  static int made(long merge) {
    return (int) merge;
  }

  private void put(long pair, long merge) {
    long hash = hash(pair);
    int bit = (int) (hash >>> shift - 3);
    seen[bit >>> 6] |= 1L << bit;
    int at = (int) (hash >>> shift) << 1;
    while (table[at] != EMPTY && table[at] != pair) {
      at = at + 2 & table.length - 1;
    }
    table[at] = pair;
    table[at + 1] = merge;
  }

  private static long pair(int left, int right) {
    return (long) left << 32 | right;
  }

  private static long hash(long pair) {
    return pair * 0x9E3779B97F4A7C15L;
  }
}
