package dev.yushan.generate;

import dev.yushan.generate.Generator.Finish;
import dev.yushan.generate.Generator.Generation;
import dev.yushan.text.Detokenizer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// Text in, text out: a [Generator] with a tokenizer, streaming whole characters and stopping at
/// stop strings wherever they fall between tokens.
///
/// @param generator stays the caller's
public record TextGenerator(Generator generator, Tokenizer tokenizer) {
  /// A finished completion.
  ///
  /// @param text what follows the prompt, up to a stop string or with it, as the parameters say
  /// @param promptTokens tokens of the prompt, those of the tokenizer's template included
  public record Completion(String text, Finish finish, int promptTokens, Generation generation) {}

  /// Continues `prompt`, handing on the text as it becomes certain.
  public Completion complete(String prompt, SamplingParams params, Consumer<String> onText) {
    int[] ids = tokenizer.encodeWithTemplate(prompt, Specials.PARSE);
    Detokenizer detokenizer = new Detokenizer(tokenizer, true);
    StopBuffer buffer = new StopBuffer(params, onText);
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
    private final SamplingParams params;
    private final List<String> stops;
    private final Consumer<String> onText;
    private final StringBuilder text = new StringBuilder();
    private int tokens;
    private int unstoppable;
    private int emitted;
    private boolean stopped;

    StopBuffer(SamplingParams params, Consumer<String> onText) {
      this.params = params;
      this.stops = params.stop();
      this.onText = onText;
    }

    /// Takes the text of one more token; returns false once a stop string is complete.
    boolean add(String piece) {
      if (stopped) {
        return false;
      }
      text.append(piece);
      if (++tokens <= params.minTokens()) {
        // a stop string that ends this early is text like any other
        unstoppable = text.length();
      }
      Optional<String> stop =
          stops.stream().filter(s -> find(s) >= 0).min(Comparator.comparingInt(this::find));
      if (stop.isPresent()) {
        int kept = params.includeStopStrInOutput() ? stop.get().length() : 0;
        text.setLength(find(stop.get()) + kept);
        stopped = true;
        finish();
        return false;
      }
      emit(text.length() - stops.stream().mapToInt(this::openEnd).max().orElse(0));
      return true;
    }

    private int find(String stop) {
      return text.indexOf(stop, Math.max(emitted, unstoppable - stop.length() + 1));
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
