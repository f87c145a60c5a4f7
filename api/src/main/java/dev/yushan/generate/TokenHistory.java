package dev.yushan.generate;

import java.util.Arrays;

/// The tokens of one sequence so far, prompt and continuation, with how often each was generated:
/// what penalties and bad words look at. The caller keeps one for each sequence and adds to it, so
/// that a step costs nothing for the length of the text.
///
/// Not for use by several threads at a time.
public final class TokenHistory {
  private final int promptLength;
  private int[] ids;
  private int length;
  private Counts counts;

  /// A sequence that begins with `prompt`, of which nothing was generated yet.
  public TokenHistory(int... prompt) {
    ids = prompt.clone();
    length = prompt.length;
    promptLength = prompt.length;
  }

  /// Adds a generated token.
  public void add(int id) {
    if (length == ids.length) {
      ids = Arrays.copyOf(ids, Math.max(16, 2 * length));
    }
    ids[length++] = id;
    if (counts != null) {
      counts.count(id, 1);
    }
  }

  /// Tokens of prompt and continuation.
  public int length() {
    return length;
  }

  /// Tokens of the continuation: the position of the next one in the random stream.
  public int generated() {
    return length - promptLength;
  }

  /// The continuation, a copy.
  public int[] output() {
    return Arrays.copyOfRange(ids, promptLength, length);
  }

  /// Whether the last tokens, of prompt and continuation, are the first `count` ids of `sequence`.
  boolean endsWith(int[] sequence, int count) {
    return count <= length && Arrays.equals(ids, length - count, length, sequence, 0, count);
  }

  /// Receives a token that has occurred.
  @FunctionalInterface
  interface Occurrence {
    /// @param generated how often it was generated: 0 if it is only in the prompt
    void token(int id, int generated);
  }

  /// Each different token once, in the order of first occurrence.
  void forEachDistinct(Occurrence occurrence) {
    if (counts == null) {
      // only made where there are penalties, since prompts may be long
      counts = new Counts();
      for (int i = 0; i < length; i++) {
        counts.count(ids[i], i < promptLength ? 0 : 1);
      }
    }
    for (int i = 0; i < counts.size; i++) {
      occurrence.token(counts.distinct[i], counts.generated[i]);
    }
  }

  /// A hash table with open addressing: a slot holds 1 + the index of a token, or 0.
  private static final class Counts {
    private int[] distinct = new int[64];
    private int[] generated = new int[64];
    private int[] slots = new int[128];
    private int size;

    void count(int id, int times) {
      int slot = slot(id);
      if (slots[slot] == 0) {
        if (size == distinct.length) {
          grow();
          slot = slot(id);
        }
        distinct[size] = id;
        slots[slot] = ++size;
      }
      generated[slots[slot] - 1] += times;
    }

    private int slot(int id) {
      int mask = slots.length - 1;
      int slot = (id * 0x9E3779B9 >>> 7) & mask;
      while (slots[slot] != 0 && distinct[slots[slot] - 1] != id) {
        slot = (slot + 1) & mask;
      }
      return slot;
    }

    private void grow() {
      distinct = Arrays.copyOf(distinct, 2 * size);
      generated = Arrays.copyOf(generated, 2 * size);
      slots = new int[4 * size];
      for (int i = 0; i < size; i++) {
        slots[slot(distinct[i])] = i + 1;
      }
    }
  }
}
