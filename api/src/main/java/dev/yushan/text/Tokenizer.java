package dev.yushan.text;

import java.io.ByteArrayOutputStream;
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

  /// Number of ids that [#encode] gives, without building them.
  default int count(String text, Specials specials) {
    return encode(text, specials).length;
  }

  /// The bytes that `id` stands for; those of its text for a special token. Throws
  /// [IllegalArgumentException] for an id outside the vocabulary.
  byte[] bytes(int id);

  /// The text of `ids`; bytes that are no UTF-8 become U+FFFD. See [Detokenizer] for text that
  /// arrives id by id.
  default String decode(int[] ids, boolean skipSpecialTokens) {
    var bytes = new ByteArrayOutputStream(4 * ids.length);
    for (int id : ids) {
      if (!(skipSpecialTokens && isSpecial(id))) {
        bytes.writeBytes(bytes(id));
      }
    }
    StringBuilder text = new StringBuilder();
    Utf8.decode(bytes.toByteArray(), true, text);
    return text.toString();
  }

  /// Whether `id` is a special token.
  boolean isSpecial(int id);

  /// Number of ids, special tokens included: one more than the highest id.
  int vocabSize();

  /// The BOS id: the one that the template puts first, else `bos_token` of `tokenizer_config.json`.
  OptionalInt bosId();

  /// The EOS id: the one that the template puts last, else `eos_token` of `tokenizer_config.json`.
  /// (A model's `generation_config.json` may name further ones.)
  OptionalInt eosId();

  /// The id of a token by its literal text (special tokens included).
  OptionalInt idOf(String token);
}
