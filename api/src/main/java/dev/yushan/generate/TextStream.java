package dev.yushan.generate;

import dev.yushan.text.Detokenizer;
import dev.yushan.text.Tokenizer;
import java.util.Optional;

/// The text of a completion as its tokens arrive: whole characters, up to a stop string wherever
/// that falls between tokens. What may still become a stop string is held back, so nothing is ever
/// taken back. For one completion and one thread.
public final class TextStream {
  private final Tokenizer tokenizer;
  private final Detokenizer detokenizer;
  private final SamplingParams params;
  private final StringBuilder held = new StringBuilder();
  private int tokens;
  private int unstoppable;
  private Optional<String> stop = Optional.empty();

  /// @param params of which `stop`, `minTokens`, `includeStopStrInOutput` and `skipSpecialTokens`
  ///   count: a stop string that ends within the first `minTokens` tokens is text like any other
  public TextStream(Tokenizer tokenizer, SamplingParams params) {
    this.tokenizer = tokenizer;
    this.detokenizer = new Detokenizer(tokenizer, params.skipSpecialTokens());
    this.params = params;
  }

  /// The text that became certain with a token; nothing after a stop string.
  public String add(int id) {
    // a model may have more rows than the tokenizer has ids: those have no text
    return take(id < tokenizer.vocabSize() ? detokenizer.add(id) : "", 1);
  }

  /// What is left at the end.
  public String end() {
    String last = take(detokenizer.flush(), 0);
    if (stop.isPresent()) {
      return last;
    }
    String rest = last + held;
    held.setLength(0);
    return rest;
  }

  /// The stop string that ended it.
  public Optional<String> stop() {
    return stop;
  }

  private String take(String piece, int more) {
    if (stop.isPresent()) {
      return "";
    }
    held.append(piece);
    tokens += more;
    if (tokens <= params.minTokens()) {
      unstoppable = held.length();
    }
    int end = held.length();
    int at = end;
    for (String one : params.stop()) {
      int found = held.indexOf(one, Math.max(0, unstoppable - one.length() + 1));
      if (found >= 0 && found < at) {
        at = found;
        end = found + (params.includeStopStrInOutput() ? one.length() : 0);
        stop = Optional.of(one);
      }
    }
    if (stop.isEmpty()) {
      end -= params.stop().stream().mapToInt(this::openEnd).max().orElse(0);
    }
    String certain = held.substring(0, end);
    held.delete(0, stop.isPresent() ? held.length() : end);
    unstoppable = Math.max(0, unstoppable - end);
    return certain;
  }

  /// Characters at the end that could still become `stop`.
  private int openEnd(String stop) {
    for (int n = Math.min(stop.length() - 1, held.length()); n > 0; n--) {
      if (stop.startsWith(held.substring(held.length() - n))) {
        return n;
      }
    }
    return 0;
  }
}
