package dev.yushan.generate;

import dev.yushan.text.Detokenizer;
import dev.yushan.text.Tokenizer;
import java.util.List;
import java.util.Optional;

/// The text of a completion as its tokens arrive: whole characters, up to a stop string wherever
/// that falls between tokens. What may still become a stop string is held back, so nothing is ever
/// taken back. For one completion and one thread.
public final class TextStream {
  private final Tokenizer tokenizer;
  private final Detokenizer detokenizer;
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private Optional<String> stop = Optional.empty();

  /// @param stops texts that end it and are no part of it
  public TextStream(Tokenizer tokenizer, List<String> stops) {
    this.tokenizer = tokenizer;
    this.detokenizer = new Detokenizer(tokenizer, true);
    this.stops = stops;
  }

  /// The text that became certain with a token; nothing after a stop string.
  public String add(int id) {
    // a model may have more rows than the tokenizer has ids: those have no text
    return take(id < tokenizer.vocabSize() ? detokenizer.add(id) : "");
  }

  /// What is left at the end.
  public String end() {
    String last = take(detokenizer.flush());
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

  private String take(String piece) {
    if (stop.isPresent()) {
      return "";
    }
    held.append(piece);
    int end = held.length();
    for (String one : stops) {
      int at = held.indexOf(one);
      if (at >= 0 && at < end) {
        end = at;
        stop = Optional.of(one);
      }
    }
    if (stop.isEmpty()) {
      end -= stops.stream().mapToInt(this::openEnd).max().orElse(0);
    }
    String certain = held.substring(0, end);
    held.delete(0, stop.isPresent() ? held.length() : end);
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
