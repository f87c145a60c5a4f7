package dev.yushan.structured;

import dev.yushan.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The tokens of a tokenizer as a tree over their bytes, so that all tokens that fit a state of an
/// automaton are found by one walk over both. Made once for a tokenizer. Safe for concurrent use.
///
/// Special tokens fit nowhere; those that end a text fit where it may end.
public final class Vocabulary {
  /// Masks that are kept, of all constraints together: 64 MiB of a vocabulary of 128k tokens.
  private static final int MAX_MASKS = 4_096;

  private final byte[][] bytes;
  private final BitSet eos = new BitSet();

  /// The tree, depth first. Node `i` is reached by byte `label[i]` from the node before it that is
  /// one less deep; its subtree ends before `end[i]`; its tokens are `ids` from `first[i]` to
  /// `first[i + 1]`.
  private final Tree tree;

  private final Map<Automaton.State, BitSet> masks =
      new LinkedHashMap<>(16, .75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Automaton.State, BitSet> eldest) {
          return size() > MAX_MASKS;
        }
      };

  private record Tree(byte[] label, short[] depth, int[] end, int[] first, int[] ids, int height) {}

  private Vocabulary(byte[][] bytes, Collection<Integer> eosIds) {
    this.bytes = bytes;
    eosIds.forEach(eos::set);
    this.tree = tree(bytes);
  }

  /// The vocabulary of `tokenizer`, in which `eosIds` end a text. Throws [IllegalArgumentException]
  /// where a text could begin that no token continues: the vocabulary must hold each of the 256
  /// bytes as a token.
  public static Vocabulary of(Tokenizer tokenizer, Collection<Integer> eosIds) {
    byte[][] bytes = new byte[tokenizer.vocabSize()][];
    for (int id = 0; id < bytes.length; id++) {
      boolean inside = !tokenizer.isSpecial(id) && !eosIds.contains(id);
      bytes[id] = inside ? tokenizer.bytes(id) : new byte[0];
    }
    return of(bytes, eosIds);
  }

  /// The vocabulary of tokens by id; empty ones fit nowhere.
  static Vocabulary of(byte[][] bytes, Collection<Integer> eosIds) {
    if (eosIds.isEmpty()) {
      throw new IllegalArgumentException(
          "no token ends a text: name at least one EOS id, as generation_config.json does");
    }
    BitSet single = new BitSet();
    for (byte[] token : bytes) {
      if (token.length == 1) {
        single.set(token[0] & 0xFF);
      }
    }
    if (single.cardinality() < 256) {
      throw new IllegalArgumentException(
          "no token is the single byte 0x%02X: structured output needs a byte-level tokenizer, which has all 256 beside the ids that end a text; is it the tokenizer of this model?"
              .formatted(single.nextClearBit(0)));
    }
    return new Vocabulary(bytes, eosIds);
  }

  /// The ids that end a text. Not to be changed.
  BitSet eos() {
    return eos;
  }

  /// The bytes of a token; none for one that fits nowhere.
  byte[] bytes(int id) {
    return id >= 0 && id < bytes.length ? bytes[id] : new byte[0];
  }

  /// The ids that may come next. Not to be changed.
  BitSet mask(Automaton.State state) {
    synchronized (masks) {
      BitSet known = masks.get(state);
      if (known != null) {
        return known;
      }
    }
    BitSet mask = walk(state);
    synchronized (masks) {
      masks.put(state, mask);
    }
    return mask;
  }

  /// A mask that is not kept.
  BitSet walk(Automaton.State state) {
    BitSet mask = new BitSet(bytes.length);
    if (state.accepts()) {
      mask.or(eos);
    }
    Automaton.State[] path = new Automaton.State[tree.height + 1];
    path[0] = state;
    for (int i = 0; i < tree.label.length; ) {
      int depth = tree.depth[i];
      Automaton.State to = path[depth - 1].next(tree.label[i] & 0xFF);
      if (to.isDead()) {
        i = tree.end[i];
        continue;
      }
      path[depth] = to;
      for (int t = tree.first[i]; t < tree.first[i + 1]; t++) {
        mask.set(tree.ids[t]);
      }
      i++;
    }
    return mask;
  }

  private static Tree tree(byte[][] bytes) {
    List<Integer> sorted = new ArrayList<>();
    int nodes = 0;
    int height = 0;
    for (int id = 0; id < bytes.length; id++) {
      if (bytes[id].length > 0) {
        sorted.add(id);
        height = Math.max(height, bytes[id].length);
      }
    }
    sorted.sort((a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]));
    byte[] before = new byte[0];
    for (int id : sorted) {
      nodes += bytes[id].length - common(before, bytes[id]);
      before = bytes[id];
    }
    Tree tree =
        new Tree(
            new byte[nodes],
            new short[nodes],
            new int[nodes],
            new int[nodes + 1],
            sorted.stream().mapToInt(Integer::intValue).toArray(),
            height);
    fill(tree, bytes);
    return tree;
  }

  private static void fill(Tree tree, byte[][] bytes) {
    int[] path = new int[tree.height + 1];
    byte[] before = new byte[0];
    int node = 0;
    for (int t = 0; t < tree.ids.length; t++) {
      byte[] token = bytes[tree.ids[t]];
      int common = common(before, token);
      for (int d = common + 1; d <= before.length; d++) {
        tree.end[path[d]] = node;
      }
      for (int d = common + 1; d <= token.length; d++) {
        tree.label[node] = token[d - 1];
        tree.depth[node] = (short) d;
        tree.first[node] = t;
        path[d] = node++;
      }
      before = token;
    }
    for (int d = 1; d <= before.length; d++) {
      tree.end[path[d]] = node;
    }
    tree.first[node] = tree.ids.length;
  }

  private static int common(byte[] a, byte[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? a.length : mismatch;
  }
}
