package dev.yushan.text;

import java.util.Arrays;
import java.util.BitSet;

/// The ids of one text as they come, with room to merge the next piece in. For one call.
///
/// A piece is cut where no merge crosses ([Seams]). A part that is no token is written behind the
/// ids so far as those of its bytes, and shrinks there. A tree whose nodes hold the least of the
/// two below gives the next merge, the leftmost of equals, so n bytes take O(n log n).
final class Encoding {
  private final Vocabulary vocabulary;
  private final Merges merges;
  private final boolean ignoreMerges;
  private final BitSet merged;
  private int[] ids;
  private int size;

  private byte[] bytes = new byte[64];
  // Of the token that starts at a byte of the piece: where the next starts, and the one before.
  private int[] next = new int[64];
  private int[] previous = new int[64];
  // The merge of each token with the next in the leaves.
  private long[] tree = new long[128];

  /// `merged` are the tokens that their own bytes are merged to.
  Encoding(TokenizerJson spec, BitSet merged, int capacity) {
    this.merged = merged;
    vocabulary = spec.vocabulary();
    merges = spec.merges();
    ignoreMerges = spec.ignoreMerges();
    ids = new int[capacity];
  }

  int size() {
    return size;
  }

  int[] toArray() {
    return Arrays.copyOf(ids, size);
  }

  void add(int id) {
    reserve(1);
    ids[size++] = id;
  }

  /// Adds the ids of the piece that is `text` from `from` to `to`.
  void addPiece(String text, int from, int to) {
    int length = utf8(text, from, to);
    int id = vocabulary.find(bytes, 0, length);
    if (id >= 0 && (ignoreMerges || merged.get(id))) {
      add(id);
      return;
    }
    int start = 0;
    int end = Seams.width(bytes[0]);
    int left = Seams.pack(bytes, 0, end);
    while (end < length) {
      int width = Seams.width(bytes[end]);
      int right = Seams.pack(bytes, end, end + width);
      if (merges.seams().cut(left, right)) {
        addPart(start, end);
        start = end;
      }
      left = right;
      end += width;
    }
    addPart(start, length);
  }

  private void addPart(int from, int to) {
    int id = vocabulary.find(bytes, from, to);
    if (id >= 0 && merged.get(id)) {
      add(id);
    } else {
      size += merge(from, to - from);
    }
  }

  /// The number of ids that `piece` is merged to.
  int mergedCount(byte[] piece) {
    room(piece.length);
    System.arraycopy(piece, 0, bytes, 0, piece.length);
    return merge(0, piece.length);
  }

  /// Makes room for a piece of `length` bytes.
  private void room(int length) {
    if (bytes.length < length) {
      int leaves = Integer.highestOneBit(length) << 1;
      bytes = new byte[leaves];
      next = new int[leaves];
      previous = new int[leaves];
      tree = new long[2 * leaves];
    }
  }

  private void reserve(int count) {
    if (ids.length - size < count) {
      ids = Arrays.copyOf(ids, Math.max(size + count, size + size / 2));
    }
  }

  /// Puts the UTF-8 of well-formed text into `bytes`; returns its length.
  private int utf8(String text, int from, int to) {
    room(3 * (to - from));
    int length = 0;
    for (int i = from; i < to; i++) {
      int c = text.charAt(i);
      if (c < 0x80) {
        bytes[length++] = (byte) c;
        continue;
      }
      if (c < 0x800) {
        bytes[length++] = (byte) (0xc0 | c >> 6);
      } else {
        if (Character.isSurrogate((char) c)) {
          c = text.codePointAt(i++);
          bytes[length++] = (byte) (0xf0 | c >> 18);
          bytes[length++] = (byte) (0x80 | c >> 12 & 0x3f);
        } else {
          bytes[length++] = (byte) (0xe0 | c >> 12);
        }
        bytes[length++] = (byte) (0x80 | c >> 6 & 0x3f);
      }
      bytes[length++] = (byte) (0x80 | c & 0x3f);
    }
    return length;
  }

  /// Merges `length` of `bytes` into ids behind the last; returns how many they are.
  private int merge(int from, int length) {
    int leaves = plant(from, length);
    int count = length;
    for (long least = tree[1]; least != Merges.NONE; least = tree[1]) {
      int node = 1;
      while (node < leaves) {
        node = tree[2 * node] == least ? 2 * node : 2 * node + 1;
      }
      join(node - leaves, Merges.made(least), leaves, length);
      count--;
    }
    for (int i = 0, at = 0; i < count; i++, at = next[at]) {
      ids[size + i] = ids[size + at];
    }
    return count;
  }

  /// Sets all up for the bytes as tokens; returns the number of leaves, a power of two.
  private int plant(int from, int length) {
    reserve(length);
    int leaves = Integer.highestOneBit(Math.max(1, length - 1)) << 1;
    for (int i = 0; i < length; i++) {
      ids[size + i] = vocabulary.ofByte(bytes[from + i]);
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (int i = 0; i < length - 1; i++) {
      tree[leaves + i] = merges.of(ids[size + i], ids[size + i + 1]);
    }
    Arrays.fill(tree, leaves + length - 1, 2 * leaves, Merges.NONE);
    for (int node = leaves - 1; node > 0; node--) {
      tree[node] = Math.min(tree[2 * node], tree[2 * node + 1]);
    }
    return leaves;
  }

  /// Makes the token at `at` and the next one to `made`.
  private void join(int at, int made, int leaves, int length) {
    int swallowed = next[at];
    int after = next[swallowed];
    ids[size + at] = made;
    next[at] = after;
    set(leaves + swallowed, Merges.NONE);
    if (after < length) {
      previous[after] = at;
      set(leaves + at, merges.of(made, ids[size + after]));
    } else {
      set(leaves + at, Merges.NONE);
    }
    if (at > 0) {
      int before = previous[at];
      set(leaves + before, merges.of(ids[size + before], made));
    }
  }

  private void set(int leaf, long merge) {
    tree[leaf] = merge;
    for (int node = leaf / 2; node > 0; node /= 2) {
      long least = Math.min(tree[2 * node], tree[2 * node + 1]);
      if (tree[node] == least) {
        return;
      }
      tree[node] = least;
    }
  }
}
