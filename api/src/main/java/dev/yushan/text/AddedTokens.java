package dev.yushan.text;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/// Finds added tokens in text before anything else looks at it: leftmost first, the longest of
/// those that start at one place.
final class AddedTokens {
  /// One entry of `added_tokens`; a `normalized` one is looked for after normalization.
  record Added(int id, String content, boolean special, boolean normalized) {}

  private static final class Node {
    private final Map<Character, Node> children = new HashMap<>();
    private Optional<Added> token = Optional.empty();
  }

  private final Node root = new Node();
  // Most characters begin no token, and this says so fastest.
  private final BitSet firsts = new BitSet();

  AddedTokens(List<Added> tokens) {
    for (Added token : tokens) {
      Node node = root;
      firsts.set(token.content().charAt(0));
      for (char c : token.content().toCharArray()) {
        node = node.children.computeIfAbsent(c, key -> new Node());
      }
      node.token = Optional.of(token);
    }
  }

  /// Gives the stretches of `text` without added tokens and the ids between them, in order. Special
  /// tokens are left in the text unless they are to be parsed.
  void split(
      String text, Tokenizer.Specials specials, Consumer<String> stretches, IntConsumer ids) {
    int start = 0;
    int at = root.children.isEmpty() ? text.length() : 0;
    while (at < text.length()) {
      if (!firsts.get(text.charAt(at))) {
        at++;
        continue;
      }
      Optional<Added> found = longestAt(text, at);
      if (found.isEmpty()) {
        at++;
        continue;
      }
      int end = at + found.get().content().length();
      if (!found.get().special() || specials == Tokenizer.Specials.PARSE) {
        if (at > start) {
          stretches.accept(text.substring(start, at));
        }
        ids.accept(found.get().id());
        start = end;
      }
      at = end;
    }
    if (start < text.length()) {
      stretches.accept(text.substring(start));
    }
  }

  private Optional<Added> longestAt(String text, int at) {
    Optional<Added> longest = Optional.empty();
    Node node = root.children.get(text.charAt(at));
    for (int i = at + 1; node != null; i++) {
      if (node.token.isPresent()) {
        longest = node.token;
      }
      node = i < text.length() ? node.children.get(text.charAt(i)) : null;
    }
    return longest;
  }

  /// Reads the field `added_tokens`. `vocab` is the model's, an object: a token in it keeps its id
  /// there, all others count on from its size, as the Hugging Face reader does whatever the file
  /// says.
  static List<Added> parse(JsonField field, JsonField vocab) {
    List<Added> tokens = new ArrayList<>();
    if (field.isNull()) {
      return tokens;
    }
    int next = vocab.node().size();
    for (JsonField entry : field.elements()) {
      entry.allowOnly("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
      for (String flag : new String[] {"single_word", "lstrip", "rstrip"}) {
        entry.get(flag).require("only false is", "false");
      }
      String content = entry.get("content").string();
      if (content.isEmpty()) {
        throw entry.get("content").refuse("is empty; remove the entry");
      }
      boolean known = vocab.node().has(content);
      if (known && !content.chars().allMatch(c -> c > 32 && c < 127)) {
        throw entry
            .get("content")
            .refuse(
                "is \"%s\", which in model.vocab stands for other bytes; only ASCII tokens may be in both"
                    .formatted(content));
      }
      int id = entry.get("id").id();
      int expected = known ? vocab.get(content).id() : next;
      if (id != expected) {
        throw entry
            .get("id")
            .refuse(
                "is %d, but Hugging Face tokenizers would give this token %d: ids of added tokens follow the vocabulary without gaps"
                    .formatted(id, expected));
      }
      next = Math.max(next, id + 1);
      boolean special = entry.get("special").flag(false);
      tokens.add(new Added(id, content, special, entry.get("normalized").flag(!special)));
    }
    return tokens;
  }
}
