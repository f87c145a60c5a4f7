package dev.yushan.text;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/// Makes a byte-level BPE tokenizer from text: the format and the splitting rule of Llama 3, with a
/// vocabulary of any size.
///
/// Ids are the 256 bytes, then one for each merge in the order of learning, then the special
/// tokens. Each merge joins the most frequent pair of neighbours; of equally frequent ones, the one
/// with the lower left id, then the lower right id. The result depends on the multiset of pieces
/// alone, not on the order of the texts.
public final class BpeTrainer {
  /// What to make.
  ///
  /// @param vocabSize number of ids, bytes and special tokens included; fewer come out when the
  ///   text has no more pairs of `minFrequency`
  /// @param minFrequency how often a pair must occur to be merged
  /// @param bosToken put in front of each text by the template
  /// @param eosToken named as EOS in `tokenizer_config.json`
  /// @param otherSpecialTokens further special tokens, after BOS and EOS
  public record Options(
      int vocabSize,
      int minFrequency,
      String bosToken,
      String eosToken,
      List<String> otherSpecialTokens) {

    /// Checks the sizes and that the special tokens are distinct and not empty.
    public Options {
      otherSpecialTokens = List.copyOf(otherSpecialTokens);
      if (minFrequency < 1) {
        throw new IllegalArgumentException(
            "minFrequency is %d; it must be 1 or more".formatted(minFrequency));
      }
      List<String> specials =
          Stream.concat(Stream.of(bosToken, eosToken), otherSpecialTokens.stream()).toList();
      Set<String> distinct = new LinkedHashSet<>(specials);
      if (distinct.size() != specials.size() || distinct.contains("")) {
        throw new IllegalArgumentException(
            "special tokens must be distinct and not empty: " + specials);
      }
      int least = 256 + specials.size();
      if (vocabSize < least) {
        throw new IllegalArgumentException(
            "a vocabulary of %d is too small: 256 bytes and %d special tokens need at least %d"
                .formatted(vocabSize, specials.size(), least));
      }
    }

    /// `<|begin_of_text|>`, `<|end_of_text|>`, and pairs that occur at least twice.
    public static Options ofVocabSize(int vocabSize) {
      return new Options(vocabSize, 2, "<|begin_of_text|>", "<|end_of_text|>", List.of());
    }

    public Options withMinFrequency(int frequency) {
      return new Options(vocabSize, frequency, bosToken, eosToken, otherSpecialTokens);
    }

    public Options withOtherSpecialTokens(List<String> tokens) {
      return new Options(vocabSize, minFrequency, bosToken, eosToken, tokens);
    }

    /// All special tokens in the order of their ids.
    public List<String> specialTokens() {
      return Stream.concat(Stream.of(bosToken, eosToken), otherSpecialTokens.stream()).toList();
    }
  }

  private BpeTrainer() {}

  /// Learns from `texts` and writes `tokenizer.json` and `tokenizer_config.json` into `directory`
  /// (made if absent), which Hugging Face `transformers` and [Tokenizers#load] read; returns the
  /// tokenizer loaded from there. Takes memory of about 15 bytes for each byte of distinct pieces.
  public static Tokenizer train(Iterator<String> texts, Options options, Path directory) {
    int merges = options.vocabSize() - 256 - options.specialTokens().size();
    TokenizerFiles.write(directory, learn(texts, merges, options.minFrequency()), options);
    return Tokenizers.load(directory);
  }

  private static List<PairMerges.Merge> learn(
      Iterator<String> texts, int merges, int minFrequency) {
    return PairMerges.learn(countPieces(texts), merges, minFrequency);
  }

  private static Map<String, PairMerges.Weight> countPieces(Iterator<String> texts) {
    Map<String, PairMerges.Weight> pieces = new HashMap<>();
    while (texts.hasNext()) {
      String text = texts.next();
      Llama3Split.split(
          text,
          0,
          text.length(),
          (from, to) ->
              pieces.computeIfAbsent(text.substring(from, to), key -> new PairMerges.Weight())
                  .count++);
    }
    return pieces;
  }
}
