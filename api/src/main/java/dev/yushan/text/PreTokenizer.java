package dev.yushan.text;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts text into the pieces that merges never cross: a list of patterns, each applied to the
/// pieces that the one before left. Matches become pieces, and so does what lies between them.
record PreTokenizer(List<Pattern> patterns) {
  /// What `ByteLevel` splits by when its `use_regex` is true (GPT-2).
  private static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  PreTokenizer {
    patterns = List.copyOf(patterns);
  }

  /// Reads the field `pre_tokenizer`: one `ByteLevel`, after any number of `Split`.
  static PreTokenizer parse(JsonField field) {
    List<JsonField> steps = List.of(field);
    if (field.get("type").node().asText().equals("Sequence")) {
      field.allowOnly("type", "pretokenizers");
      steps = field.get("pretokenizers").elements();
    }
    List<Pattern> patterns = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      JsonField step = steps.get(i);
      String type = step.isNull() ? "null" : step.get("type").string();
      boolean last = i == steps.size() - 1;
      if (type.equals("Split") && !last) {
        patterns.add(split(step));
      } else if (type.equals("ByteLevel") && last) {
        byteLevel(step, patterns);
      } else {
        throw step.refuse(
            "is %s, but only Split steps closed by one ByteLevel are supported".formatted(type));
      }
    }
    if (steps.isEmpty()) {
      throw field.refuse("has no ByteLevel step; only byte-level BPE is supported");
    }
    return new PreTokenizer(patterns);
  }

  private static Pattern split(JsonField step) {
    step.allowOnly("type", "pattern", "behavior", "invert");
    if (!step.get("behavior").string().equals("Isolated")) {
      throw step.get("behavior").refuse("is not Isolated, the only supported one");
    }
    step.get("invert").require("only false is", "false");
    JsonField pattern = step.get("pattern");
    pattern.allowOnly("Regex", "String");
    JsonField literal = pattern.get("String");
    if (literal.isNull()) {
      return SplitRegex.compile(pattern.get("Regex"), pattern.get("Regex").string());
    }
    if (literal.string().isEmpty()) {
      throw literal.refuse("is empty; give the text to split at");
    }
    return Pattern.compile(literal.string(), Pattern.LITERAL);
  }

  private static void byteLevel(JsonField step, List<Pattern> patterns) {
    step.allowOnly("type", "add_prefix_space", "trim_offsets", "use_regex");
    if (step.get("add_prefix_space").flag(true)) {
      throw step.get("add_prefix_space").refuse("must be false: a space in front is not supported");
    }
    if (step.get("use_regex").flag(true)) {
      patterns.add(SplitRegex.compile(step.get("use_regex"), GPT2));
    }
  }

  /// Gives the pieces of `text` in order; none is empty, joined they are `text`.
  void split(String text, Consumer<String> pieces) {
    split(text, 0, pieces);
  }

  private void split(String text, int level, Consumer<String> pieces) {
    if (text.isEmpty()) {
      return;
    }
    if (level == patterns.size()) {
      pieces.accept(text);
      return;
    }
    Matcher matcher = patterns.get(level).matcher(text);
    int end = 0;
    while (matcher.find()) {
      split(text.substring(end, matcher.start()), level + 1, pieces);
      split(text.substring(matcher.start(), matcher.end()), level + 1, pieces);
      end = matcher.end();
    }
    split(text.substring(end), level + 1, pieces);
  }
}
