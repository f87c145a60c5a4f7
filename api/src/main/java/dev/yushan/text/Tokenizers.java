package dev.yushan.text;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Loads tokenizers from Hugging Face files.
public final class Tokenizers {
  /// Looked for, in this order, where no `tokenizer_config.json` names an EOS.
  private static final List<String> USUAL_EOS = List.of("<|end_of_text|>", "<|endoftext|>");

  private Tokenizers() {}

  /// The tokenizer in `path`: a `tokenizer.json`, or a directory with one. A
  /// `tokenizer_config.json` beside it may name BOS and EOS; without one, EOS is `<|end_of_text|>`
  /// (Llama 3) or `<|endoftext|>` where such a token exists.
  ///
  /// Throws [TokenizerFormatException], naming the field, for a file that would not be followed
  /// exactly, and [java.io.UncheckedIOException] for one that cannot be read.
  public static Tokenizer load(Path path) {
    Path file = Files.isDirectory(path) ? path.resolve("tokenizer.json") : path;
    TokenizerJson spec = TokenizerJson.read(file);
    Path config = file.resolveSibling("tokenizer_config.json");
    Optional<String> eos =
        TokenizerJson.configToken(config, "eos_token")
            .or(() -> USUAL_EOS.stream().filter(name -> isSpecial(spec, name)).findFirst());
    return new BpeTokenizer(spec, TokenizerJson.configToken(config, "bos_token"), eos);
  }

  private static boolean isSpecial(TokenizerJson spec, String content) {
    return spec.addedTokens().stream()
        .anyMatch(token -> token.special() && token.content().equals(content));
  }
}
