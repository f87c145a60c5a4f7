package dev.yushan.text;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Checks that merging by token id, as JTokkit does, gives what Hugging Face gives, which goes
/// through the `merges` in their order and knows no other merges.
///
/// The argument: if two neighbours `a b` ever stand in some text, then merging the text `ab` alone
/// passes through the state `[a, b]`, for what happens inside a span depends on nothing outside as
/// long as no merge crosses its border. Merging one text is deterministic and leaves each length
/// once. So each token has at most one pair that it is ever made of, the one left when its own text
/// has been merged down to two. The two ways agree if (1) the ids that the merges make never fall
/// from one merge to the next, and (2) that one pair of each token is among the merges.
final class MergeOrder {
  private static final String ONLY_RANKED =
      "only vocabularies whose ids are ranked by their merges are supported";

  private MergeOrder() {}

  /// Refuses `merges` (each written `left right`) unless they rank `vocab` (in the byte alphabet);
  /// returns the tokens that no text is merged into, which only `ignore_merges` can give.
  static Set<String> check(Map<String, Integer> vocab, List<String> merges, JsonField field) {
    checkRising(vocab, merges, field);
    Set<String> listed = new HashSet<>(merges);
    Set<String> unreachable = new HashSet<>();
    for (Map.Entry<String, Integer> entry : vocab.entrySet()) {
      String token = entry.getKey();
      if (token.length() == 1) {
        continue;
      }
      int[] starts = RankMerge.boundaries(token, vocab, 2);
      if (starts.length > 3) {
        unreachable.add(token);
        continue;
      }
      String pair = token.substring(0, starts[1]) + " " + token.substring(starts[1]);
      if (!listed.contains(pair)) {
        throw field.refuse(
            "lack the pair \"%s\", whose concatenation is in vocab with id %d; %s"
                .formatted(pair, entry.getValue(), ONLY_RANKED));
      }
    }
    return unreachable;
  }

  private static void checkRising(
      Map<String, Integer> vocab, List<String> merges, JsonField field) {
    int highest = -1;
    for (int i = 0; i < merges.size(); i++) {
      int space = merges.get(i).indexOf(' ');
      String left = merges.get(i).substring(0, space);
      String right = merges.get(i).substring(space + 1);
      Integer made = vocab.get(left + right);
      if (made == null || !vocab.containsKey(left) || !vocab.containsKey(right)) {
        throw field.refuse(
            "[%d] is \"%s\", but model.vocab lacks one of its parts or what it makes"
                .formatted(i, merges.get(i)));
      }
      if (made < highest) {
        throw field.refuse(
            "[%d] makes id %d after id %d; %s".formatted(i, made, highest, ONLY_RANKED));
      }
      highest = made;
    }
  }
}
