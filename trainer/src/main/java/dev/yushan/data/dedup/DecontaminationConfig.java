package dev.yushan.data.dedup;

import dev.yushan.data.DataException;
import java.util.List;

/// How benchmark text is kept out of training data.
///
/// @param files paths, directories or globs of benchmark files; none: nothing is looked for (key
///   `files`)
/// @param textColumn the column or field of them that holds the text (key `text_column`)
/// @param ngramSize units of an n-gram: a Han character or kana is one, a word or number of other
///   scripts is one (key `ngram_size`)
/// @param minNgramSize a benchmark record of fewer units than `ngram_size`, but at least so many,
///   is looked for as a whole (key `min_ngram_size`)
/// @param minOverlap the least share of the different n-grams of a benchmark record that a document
///   must have; 0: a single one is enough (key `min_overlap`)
/// @param action what happens to such documents (key `action`)
public record DecontaminationConfig(
    List<String> files,
    String textColumn,
    int ngramSize,
    int minNgramSize,
    double minOverlap,
    Action action) {
  /// What happens to a contaminated document.
  public enum Action {
    /// It is removed.
    DROP,
    /// It stays and is counted.
    REPORT
  }

  /// No files; 13 units, and half of them.
  public static final DecontaminationConfig DEFAULTS =
      new DecontaminationConfig(List.of(), "text", 13, 8, 0.5, Action.DROP);

  public DecontaminationConfig {
    files = List.copyOf(files);
    DedupConfig.within("ngram_size", ngramSize, 1, 1000);
    DedupConfig.within("min_ngram_size", minNgramSize, 1, ngramSize);
    if (textColumn.isEmpty()) {
      throw new DataException("text_column: is empty; name the column that holds the text");
    }
    if (!(minOverlap >= 0 && minOverlap <= 1)) {
      throw new DataException(
          "min_overlap: "
              + minOverlap
              + " is no share; give a number from 0 (any n-gram) to 1 (all of them)");
    }
  }
}
