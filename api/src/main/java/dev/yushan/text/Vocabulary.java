package dev.yushan.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tokens of a tokenizer as bytes, by id, and the ids of the model's tokens by their bytes.
///
/// There are two tables of ids, both with open addressing. Tokens of up to 7 bytes, which most of a
/// text becomes, are found by what they are: no memory is touched but the table's. A longer one is
/// found by its hash (upper half, its id in the lower) and compared.
final class Vocabulary {
  private static final long EMPTY = -1;

  /// The most bytes that a long holds beside their number.
  private static final int SHORT = 7;

  private byte[][] tokens;
  private final int[] byteIds = new int[256];

  /// The number of bytes, and the bytes; 0 where there is none.
  private final long[] shortTokens;

  private final int[] shortIds;
  private final int shortShift;
  private final long[] table;
  private final int shift;

  /// By the first byte.
  private final int[] longest = new int[256];

  /// Tokens of the model that are not written in the byte alphabet.
  private final Set<String> others = new LinkedHashSet<>();

  private Vocabulary(int ids, int count) {
    tokens = new byte[ids][];
    int places = Integer.highestOneBit(Math.max(1, count)) * 4;
    table = new long[places];
    Arrays.fill(table, EMPTY);
    shift = Integer.numberOfLeadingZeros(places - 1);
    shortTokens = new long[places];
    shortIds = new int[places];
    shortShift = 32 + shift;
  }

  /// Reads the field `vocab`, an object of tokens in the byte alphabet and their ids. It must hold
  /// all 256 bytes, or text could be lost.
  static Vocabulary of(JsonField field) {
    if (!field.node().isObject()) {
      throw field.refuse("must be an object of tokens and ids, but is " + field.shown());
    }
    int highest = -1;
    for (JsonNode id : field.node()) {
      highest = Math.max(highest, id.intValue());
    }
    highest = Math.min(highest, JsonField.MOST_IDS - 1); // what is beyond is refused below
    Vocabulary vocabulary = new Vocabulary(highest + 1, field.node().size());
    for (Map.Entry<String, JsonNode> entry : field.node().properties()) {
      vocabulary.addModel(entry.getKey(), entry.getValue(), field);
    }
    for (char c : ByteAlphabet.order().toCharArray()) {
      byte[] one = new byte[1];
      ByteAlphabet.decode(String.valueOf(c), one);
      int id = vocabulary.find(one, 0, 1);
      if (id < 0) {
        throw field.refuse(
            "lacks the byte token \"%c\"; only byte-level BPE is supported".formatted(c));
      }
      vocabulary.byteIds[one[0] & 0xff] = id;
    }
    return vocabulary;
  }

  private void addModel(String token, JsonNode idNode, JsonField field) {
    int id = idNode.intValue();
    if (!idNode.isInt() || id < 0 || id >= tokens.length) {
      field.get(token).id(); // says what is wrong
    }
    if (tokens[id] != null) {
      throw field.refuse("gives id %d to both %s and %s".formatted(id, nameOf(field, id), token));
    }
    tokens[id] = new byte[token.length()];
    if (!token.isEmpty() && ByteAlphabet.decode(token, tokens[id])) {
      put(tokens[id], id);
    } else {
      others.add(token);
    }
  }

  /// Adds tokens that text is not made of. All of the model that are not written in the byte
  /// alphabet, which cannot come of byte-level text either, must be among them.
  void add(List<AddedTokens.Added> added, JsonField field) {
    added.forEach(token -> others.remove(token.content()));
    for (String token : others) {
      throw field.refuse(
          "holds \"%s\", which is not written in the byte-level alphabet; only byte-level BPE is supported"
              .formatted(token));
    }
    int highest = added.stream().mapToInt(AddedTokens.Added::id).max().orElse(-1);
    tokens = Arrays.copyOf(tokens, Math.max(tokens.length, highest + 1));
    for (AddedTokens.Added token : added) {
      tokens[token.id()] = token.content().getBytes(StandardCharsets.UTF_8);
    }
  }

  private static String nameOf(JsonField field, int id) {
    return field.node().properties().stream()
        .filter(entry -> entry.getValue().intValue() == id)
        .findFirst()
        .orElseThrow()
        .getKey();
  }

  private void put(byte[] token, int id) {
    int first = token[0] & 0xff;
    longest[first] = Math.max(longest[first], token.length);
    if (token.length <= SHORT) {
      long packed = pack(token, 0, token.length);
      int at = place(packed);
      while (shortTokens[at] != 0) {
        at = at + 1 & shortTokens.length - 1;
      }
      shortTokens[at] = packed;
      shortIds[at] = id;
      return;
    }
    int hash = hash(token, 0, token.length);
    int at = hash >>> shift;
    while (table[at] != EMPTY) {
      at = at + 1 & table.length - 1;
    }
    table[at] = (long) hash << 32 | id;
  }

  /// The id of the model's token that is `bytes` from `from` to `to`, or -1.
  int find(byte[] bytes, int from, int to) {
    if (to - from <= SHORT) {
      long packed = pack(bytes, from, to);
      int at = place(packed);
      while (shortTokens[at] != packed && shortTokens[at] != 0) {
        at = at + 1 & shortTokens.length - 1;
      }
      return packed != 0 && shortTokens[at] == packed ? shortIds[at] : -1;
    }
    if (to - from > longest[bytes[from] & 0xff]) {
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

  private static long pack(byte[] bytes, int from, int to) {
    long packed = to - from;
    for (int i = from; i < to; i++) {
      packed = packed << 8 | bytes[i] & 0xff;
    }
    return packed;
  }

  private int place(long packed) {
    return (int) (packed * 0x9E3779B97F4A7C15L >>> shortShift);
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
