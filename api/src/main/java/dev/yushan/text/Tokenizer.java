package dev.yushan.text;

import java.util.List;
import java.util.OptionalInt;

/// Text to token ids and back. Implementations are immutable and safe for concurrent use.
public interface Tokenizer {
  /// How special-token text inside the input is read.
  enum Specials {
    /// `<|end_of_text|>` written in a document is plain text: the default for a corpus.
    AS_TEXT,
    /// Special-token text becomes its id, as Hugging Face tokenizers do by default.
    PARSE
  }

  /// Ids of `text` alone: no BOS, no EOS.
  int[] encode(String text, Specials specials);

  /// Ids of `text` with what the tokenizer's own template adds (for Llama 3: BOS in front).
  int[] encodeWithTemplate(String text, Specials specials);

  /// The bytes that `id` stands for; those of its text for a special token.
  byte[] bytes(int id);

  /// The text of `ids`; bytes that are no UTF-8 become U+FFFD.
  String decode(List<Integer> ids, boolean skipSpecialTokens);

  /// Whether `id` is a special token.
  boolean isSpecial(int id);

  /// Number of ids, special tokens included: one more than the highest id.
  int vocabSize();

  /// The BOS id that the template puts first, if it puts one.
  OptionalInt bosId();

  /// The id of a token by its literal text (special tokens included).
  OptionalInt idOf(String token);
}
