package dev.yushan.http;

import java.util.Arrays;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// How a prompt is cut to `truncate_prompt_tokens`, as Hugging Face tokenizers do it.
///
/// @param most tokens that are left; empty for all
/// @param left whether the first ones are cut, not the last
record Truncation(OptionalInt most, boolean left) {

  /// @param room tokens of a prompt beside the answer, which -1 stands for
  static Truncation of(Body body, int room) {
    String side = body.text("truncation_side").orElse("left");
    if (!side.equals("left") && !side.equals("right")) {
      throw ApiException.badRequest(
          "truncation_side", "`truncation_side` must be `left` or `right`, got %s", side);
    }
    OptionalInt asked = body.integer("truncate_prompt_tokens");
    if (asked.orElse(1) == 0) {
      throw ApiException.badRequest(
          "truncate_prompt_tokens", "`truncate_prompt_tokens` must leave at least one token");
    }
    return new Truncation(
        asked.stream().map(most -> most == -1 ? room : most).findFirst(), side.equals("left"));
  }

  /// What is left of `ids`. Those that a tokenizer put around a text stay.
  ///
  /// @param before how many it put in front of it
  /// @param behind how many behind it
  int[] cut(int[] ids, int before, int behind) {
    int kept = most.orElse(ids.length);
    if (ids.length <= kept) {
      return ids;
    }
    int head = left ? Math.min(before, kept) : Math.max(0, kept - behind);
    return IntStream.concat(
            Arrays.stream(ids, 0, head), Arrays.stream(ids, ids.length - (kept - head), ids.length))
        .toArray();
  }
}
