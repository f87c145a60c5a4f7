package dev.yushan.text;

import java.util.HashMap;
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
  private MergeOrder() {}

  /// Refuses `merges` unless they rank `vocab` (in the byte alphabet); returns the tokens that no
  /// text is merged into, which only `ignore_merges` can give.
  static Set<String> check(Map<String, Integer> vocab, List<String[]> merges, JsonField field) {
    Map<String, Set<Integer>> splits = splits(vocab, merges, field);
    Set<String> unreachable = new HashSet<>();
    for (String token : vocab.keySet()) {
      if (token.length() == 1) {
        continue;
      }
      int[] starts = RankMerge.boundaries(token, vocab, 2);
      if (starts.length > 3) {
        unreachable.add(token);
      } else if (!splits.getOrDefault(token, Set.of()).contains(starts[1])) {
        throw field.refuse(
            "lack the pair \"%s %s\", whose concatenation is in vocab with id %d; only vocabularies whose ids are ranked by their merges are supported"
                .formatted(
                    token.substring(0, starts[1]), token.substring(starts[1]), vocab.get(token)));
      }
    }
    return unreachable;
  }

  /// For each token, the lengths of the left parts that the merges make it of.
  private static Map<String, Set<Integer>> splits(
      Map<String, Integer> vocab, List<String[]> merges, JsonField field) {
    Map<String, Set<Integer>> splits = HashMap.newHashMap(vocab.size());
    int highest = -1;
    for (int i = 0; i < merges.size(); i++) {
      String left = merges.get(i)[0];
      String right = merges.get(i)[1];
      for (String part : List.of(left, right, left + right)) {
        if (!vocab.containsKey(part)) {
          throw field.refuse("[%d] needs \"%s\", which is not in model.vocab".formatted(i, part));
        }
      }
      int made = vocab.get(left + right);
      if (made < highest) {
        throw field.refuse(
            "[%d] makes id %d after id %d; only vocabularies whose ids are ranked by their merges are supported"
                .formatted(i, made, highest));
      }
      highest = made;
      splits.computeIfAbsent(left + right, token -> HashSet.newHashSet(2)).add(left.length());
    }
    return splits;
  }
}
