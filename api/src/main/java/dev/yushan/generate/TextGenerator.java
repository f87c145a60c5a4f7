package dev.yushan.generate;

import dev.yushan.generate.Generator.Finish;
import dev.yushan.generate.Generator.Generation;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
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
    TextStream text = new TextStream(tokenizer, params);
    StringBuilder whole = new StringBuilder();
    Consumer<String> sink =
        piece -> {
          if (!piece.isEmpty()) {
            whole.append(piece);
            onText.accept(piece);
          }
        };
    Generation generation =
        generator.generate(
            ids,
            params,
            (id, logProbability) -> {
              sink.accept(text.add(id));
              return text.stop().isEmpty();
            });
    sink.accept(text.end());
    Finish finish = text.stop().isPresent() ? Finish.STOP : generation.finish();
    return new Completion(whole.toString(), finish, ids.length, generation);
  }
}
