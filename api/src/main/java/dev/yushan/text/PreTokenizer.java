package dev.yushan.text;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts text into the pieces that merges never cross: a list of rules, each applied to the pieces
/// that the one before left. Of a pattern, matches become pieces, and so does what lies between.
record PreTokenizer(List<Rule> rules) {
  /// Gives the pieces of `text` from `from` to `to` in order; none is empty, joined they are that.
  interface Rule {
    void split(String text, int from, int to, Pieces pieces);
  }

  /// Takes the piece of the text at hand that is between two places.
  interface Pieces {
    void accept(int from, int to);
  }

  /// What `ByteLevel` splits by when its `use_regex` is true (GPT-2).
  private static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  PreTokenizer {
    rules = List.copyOf(rules);
  }

  /// Reads the field `pre_tokenizer`: one `ByteLevel`, after any number of `Split`.
  static PreTokenizer parse(JsonField field) {
    List<JsonField> steps = List.of(field);
    if (field.get("type").node().asText().equals("Sequence")) {
      field.allowOnly("type", "pretokenizers");
      steps = field.get("pretokenizers").elements();
    }
    List<Rule> rules = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      JsonField step = steps.get(i);
      String type = step.isNull() ? "null" : step.get("type").string();
      boolean last = i == steps.size() - 1;
      if (type.equals("Split") && !last) {
        rules.add(split(step));
      } else if (type.equals("ByteLevel") && last) {
        byteLevel(step, rules);
      } else {
        throw step.refuse(
            "is %s, but only Split steps closed by one ByteLevel are supported".formatted(type));
      }
    }
    if (steps.isEmpty()) {
      throw field.refuse("has no ByteLevel step; only byte-level BPE is supported");
    }
    return new PreTokenizer(rules);
  }

  private static Rule split(JsonField step) {
    step.allowOnly("type", "pattern", "behavior", "invert");
    if (!step.get("behavior").string().equals("Isolated")) {
      throw step.get("behavior").refuse("is not Isolated, the only supported one");
    }
    step.get("invert").require("only false is", "false");
    JsonField pattern = step.get("pattern");
    pattern.allowOnly("Regex", "String");
    JsonField literal = pattern.get("String");
    if (literal.isNull()) {
      String regex = pattern.get("Regex").string();
      return regex.equals(Llama3Split.REGEX)
          ? Llama3Split::split
          : matches(SplitRegex.compile(pattern.get("Regex"), regex));
    }
    if (literal.string().isEmpty()) {
      throw literal.refuse("is empty; give the text to split at");
    }
    return matches(Pattern.compile(literal.string(), Pattern.LITERAL));
  }

  private static void byteLevel(JsonField step, List<Rule> rules) {
    step.allowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
    if (step.get("add_prefix_space").flag(true)) {
      throw step.get("add_prefix_space").refuse("must be false: a space in front is not supported");
    }
    if (step.get("use_regex").flag(true)) {
      rules.add(matches(SplitRegex.compile(step.get("use_regex"), GPT2)));
    }
  }

  static Rule matches(Pattern pattern) {
    return (text, from, to, pieces) -> {
      Matcher matcher = pattern.matcher(text).region(from, to);
      int end = from;
      while (matcher.find()) {
        if (matcher.start() > end) {
          pieces.accept(end, matcher.start());
        }
        pieces.accept(matcher.start(), matcher.end());
        end = matcher.end();
      }
      if (to > end) {
        pieces.accept(end, to);
      }
    };
  }

  /// Gives the pieces of `text` in order; none is empty, joined they are `text`.
  void split(String text, Pieces pieces) {
    split(text, 0, text.length(), 0, pieces);
  }

  private void split(String text, int from, int to, int level, Pieces pieces) {
    if (level == rules.size()) {
      pieces.accept(from, to);
    } else {
      rules
          .get(level)
          .split(text, from, to, (start, end) -> split(text, start, end, level + 1, pieces));
    }
  }
}
