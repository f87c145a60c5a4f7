package dev.yushan.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;

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

  /// Reads the field `merges`: of each the two tokens in the byte alphabet, as `left right` or, in
  /// newer files, as a list of two. Of a pair listed twice the last place counts, as in the
  /// library.
  static Merges of(JsonField field, Vocabulary vocabulary) {
    if (!field.node().isArray()) {
      throw field.refuse("must be a list, but is " + field.shown());
    }
    Merges table = new Merges(field.node().size());
    byte[] bytes = new byte[64];
    int rank = 0;
    for (JsonNode merge : field.node()) {
      boolean pair = merge.size() == 2 && merge.get(0).isTextual() && merge.get(1).isTextual();
      String text =
          pair ? merge.get(0).textValue() + " " + merge.get(1).textValue() : merge.asText();
      int border = text.indexOf(' ');
      int end = text.length() - 1;
      if (border <= 0 || border != text.lastIndexOf(' ') || border == end) {
        throw field.refuse("[%d] is %s, not a pair of tokens".formatted(rank, merge));
      }
      bytes = bytes.length < end ? new byte[2 * end] : bytes;
      String made = text.substring(0, border).concat(text.substring(border + 1));
      boolean known = ByteAlphabet.decode(made, bytes);
      int left = known ? vocabulary.find(bytes, 0, border) : -1;
      int right = known ? vocabulary.find(bytes, border, end) : -1;
      int id = known ? vocabulary.find(bytes, 0, end) : -1;
      if (left < 0 || right < 0 || id < 0) {
        throw field.refuse(
            "[%d] is \"%s\", but model.vocab lacks one of its parts or what it makes"
                .formatted(rank, text));
      }
      table.put(pair(left, right), (long) rank << 32 | id);
      table.seams.add(bytes, border, end);
      rank++;
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
