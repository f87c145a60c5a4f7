package dev.yushan.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// The tokens of a tokenizer as bytes, by id, and the ids of the model's tokens by their bytes.
///
/// The table of ids is one array with open addressing: the hash of a token in the upper half, its
/// id in the lower.
final class Vocabulary {
  private static final long EMPTY = -1;

  private final byte[][] tokens;
  private final int[] byteIds = new int[256];
  private final long[] table;
  private final int shift;
  private final int longest;

  /// `model` is in the byte alphabet and holds all 256 bytes.
  Vocabulary(Map<String, Integer> model, List<AddedTokens.Added> added) {
    int highest = model.values().stream().mapToInt(id -> id).max().orElse(-1);
    for (AddedTokens.Added token : added) {
      highest = Math.max(highest, token.id());
    }
    tokens = new byte[highest + 1][];
    table = new long[Integer.highestOneBit(model.size()) * 4];
    Arrays.fill(table, EMPTY);
    shift = Integer.numberOfLeadingZeros(table.length - 1);
    model.forEach((token, id) -> put(ByteAlphabet.decode(token), id));
    longest = model.keySet().stream().mapToInt(String::length).max().orElse(0);
    for (int b = 0; b < byteIds.length; b++) {
      byteIds[b] = find(new byte[] {(byte) b}, 0, 1);
    }
    for (AddedTokens.Added token : added) {
      tokens[token.id()] = token.content().getBytes(StandardCharsets.UTF_8);
    }
  }

  private void put(byte[] token, int id) {
    tokens[id] = token;
    int hash = hash(token, 0, token.length);
    int at = hash >>> shift;
    while (table[at] != EMPTY) {
      at = at + 1 & table.length - 1;
    }
    table[at] = (long) hash << 32 | id;
  }

  /// The id of the model's token that is `bytes` from `from` to `to`, or -1.
  int find(byte[] bytes, int from, int to) {
    if (to - from > longest) {
      return -1;
    }
    int hash = hash(bytes, from, to);
    for (int at = hash >>> shift; table[at] != EMPTY; at = at + 1 & table.length - 1) {
      int id = (int) table[at];
      if (table[at] >> 32 == hash
          && Arrays.equals(tokens[id], 0, tokens[id].length, bytes, from, to)) {
        return id;
      }
    }
    return -1;
  }

  private static int hash(byte[] bytes, int from, int to) {
    int hash = 0;
    for (int i = from; i < to; i++) {
      hash = 31 * hash + bytes[i];
    }
    // Tokens of one script have neighbouring sums; this spreads them over the table.
    return hash * 0x9E3779B9;
  }

  int ofByte(byte b) {
    return byteIds[b & 0xff];
  }

  /// One more than the highest id.
  int size() {
    return tokens.length;
  }

  /// Whether `id` stands for anything: ids may have gaps.
  boolean has(int id) {
    return id >= 0 && id < tokens.length && tokens[id] != null;
  }

  /// The bytes of an id that [#has] knows; not to be changed.
  byte[] bytes(int id) {
    return tokens[id];
  }
}
