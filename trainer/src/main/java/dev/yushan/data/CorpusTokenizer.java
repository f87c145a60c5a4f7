package dev.yushan.data;

import dev.yushan.text.Tokenizer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/// A tokenizer with what a corpus needs besides: who it is, and how documents begin and end.
///
/// @param tokenizer none where all records are `input_ids`
/// @param hash what tells it from all others: the hash of its tokenizer.json
/// @param vocabSize ids are below it
public record CorpusTokenizer(
    Optional<Tokenizer> tokenizer,
    String hash,
    OptionalInt bosId,
    OptionalInt eosId,
    int vocabSize) {
  /// A tokenizer loaded from `tokenizerJson`; documents begin and end with its own BOS and EOS.
  public static CorpusTokenizer of(Tokenizer tokenizer, Path tokenizerJson) {
    return new CorpusTokenizer(
        Optional.of(tokenizer),
        ContentHash.of(tokenizerJson),
        tokenizer.bosId(),
        tokenizer.eosId(),
        tokenizer.vocabSize());
  }

  /// No tokenizer: only records of `input_ids` below `vocabSize` can be read.
  public static CorpusTokenizer none(int vocabSize) {
    return new CorpusTokenizer(
        Optional.empty(), "none", OptionalInt.empty(), OptionalInt.empty(), vocabSize);
  }
}
