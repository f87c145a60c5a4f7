package dev.yushan.generate;

import dev.yushan.generate.Generator.Finish;
import dev.yushan.generate.Generator.Generation;
import dev.yushan.text.Detokenizer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import java.util.List;
import java.util.function.Consumer;

/// Text in, text out: a [Generator] with a tokenizer, streaming whole characters and stopping at
/// stop strings wherever they fall between tokens.
///
/// @param generator stays the caller's
public record TextGenerator(Generator generator, Tokenizer tokenizer) {
  /// A finished completion.
  ///
  /// @param text what follows the prompt, up to a stop string
  /// @param promptTokens tokens of the prompt, those of the tokenizer's template included
  public record Completion(String text, Finish finish, int promptTokens, Generation generation) {}

  /// Continues `prompt`, handing on the text as it becomes certain.
  public Completion complete(String prompt, SamplingParams params, Consumer<String> onText) {
    int[] ids = tokenizer.encodeWithTemplate(prompt, Specials.PARSE);
    Detokenizer detokenizer = new Detokenizer(tokenizer, true);
    StopBuffer buffer = new StopBuffer(params.stop(), onText);
    Generation generation =
        generator.generate(
            ids,
            params,
            // a model may have more rows than the tokenizer has ids: those have no text
            (id, logProbability) ->
                buffer.add(id < tokenizer.vocabSize() ? detokenizer.add(id) : ""));
    if (buffer.add(detokenizer.flush())) {
      buffer.finish();
    }
    Finish finish = buffer.stopped ? Finish.STOP : generation.finish();
    return new Completion(buffer.text.toString(), finish, ids.length, generation);
  }

  /// Holds back the end of the text while it may be the beginning of a stop string.
  private static final class StopBuffer {
    private final List<String> stops;
    private final Consumer<String> onText;
    private final StringBuilder text = new StringBuilder();
    private int emitted;
    private boolean stopped;

    StopBuffer(List<String> stops, Consumer<String> onText) {
      this.stops = stops;
      this.onText = onText;
    }

    /// Takes more text; returns false once a stop string is complete.
    boolean add(String piece) {
      if (stopped) {
        return false;
      }
      text.append(piece);
      int stop = stops.stream().mapToInt(this::find).filter(i -> i >= 0).min().orElse(-1);
      if (stop >= 0) {
        text.setLength(stop);
        stopped = true;
        finish();
        return false;
      }
      emit(text.length() - stops.stream().mapToInt(this::openEnd).max().orElse(0));
      return true;
    }

    private int find(String stop) {
      return text.indexOf(stop, Math.max(0, emitted - stop.length()));
    }

    /// Characters at the end that could still become `stop`.
    private int openEnd(String stop) {
      int longest = Math.min(stop.length() - 1, text.length() - emitted);
      for (int n = longest; n > 0; n--) {
        if (stop.startsWith(text.substring(text.length() - n))) {
          return n;
        }
      }
      return 0;
    }

    private void emit(int end) {
      if (end > emitted) {
        onText.accept(text.substring(emitted, end));
        emitted = end;
      }
    }

    void finish() {
      emit(text.length());
    }
  }
}
