package dev.yushan.data.hygiene;

import dev.yushan.data.DataException;

/// The thresholds of [Quality]. A minimum of 0 and a maximum of 1 switch a filter off.
///
/// The kinds of filters, and the figures for lines, are those of Gopher (Rae et al. 2021,
/// arXiv:2112.11446, appendix A1.1), which counts words; where a character is counted here the
/// defaults were tuned on the laws of Taiwan (`docs/reference/hygiene.md`).
///
/// @param minCharacters without white space
/// @param minHanRatio of the characters
/// @param latinDocuments whether texts that are mostly in Latin letters pass without Han characters
/// @param topNgramSize characters of the n-grams whose most frequent one is looked at; four times
///   as many in texts that are mostly in Latin letters
/// @param duplicateNgramSize characters of the n-grams that should not come again; four times as
///   many likewise
public record QualityConfig(
    int minCharacters,
    double minHanRatio,
    boolean latinDocuments,
    double maxSymbolRatio,
    double maxDigitRatio,
    double maxBrokenRatio,
    double maxBulletLineRatio,
    double maxEllipsisLineRatio,
    double maxUnpunctuatedLineRatio,
    double maxBoilerplateLineRatio,
    double maxDuplicateLineRatio,
    int topNgramSize,
    double maxTopNgramRatio,
    int duplicateNgramSize,
    double maxDuplicateNgramRatio) {
  public static final QualityConfig DEFAULTS =
      new QualityConfig(30, 0.35, false, 0.15, 0.3, 0.001, 0.9, 0.3, 1, 0.3, 0.3, 4, 0.2, 16, 0.6);

  public QualityConfig {
    if (minCharacters < 0) {
      throw new DataException(
          "min_characters: " + minCharacters + " is less than 0; give 0 or more");
    }
    share("min_han_ratio", minHanRatio);
    share("max_symbol_ratio", maxSymbolRatio);
    share("max_digit_ratio", maxDigitRatio);
    share("max_broken_ratio", maxBrokenRatio);
    share("max_bullet_line_ratio", maxBulletLineRatio);
    share("max_ellipsis_line_ratio", maxEllipsisLineRatio);
    share("max_unpunctuated_line_ratio", maxUnpunctuatedLineRatio);
    share("max_boilerplate_line_ratio", maxBoilerplateLineRatio);
    share("max_duplicate_line_ratio", maxDuplicateLineRatio);
    share("max_top_ngram_ratio", maxTopNgramRatio);
    share("max_duplicate_ngram_ratio", maxDuplicateNgramRatio);
    size("top_ngram_size", topNgramSize);
    size("duplicate_ngram_size", duplicateNgramSize);
  }

  /// The same, but texts in Latin letters pass as well.
  public QualityConfig withLatinDocuments() {
    return new QualityConfig(
        minCharacters,
        minHanRatio,
        true,
        maxSymbolRatio,
        maxDigitRatio,
        maxBrokenRatio,
        maxBulletLineRatio,
        maxEllipsisLineRatio,
        maxUnpunctuatedLineRatio,
        maxBoilerplateLineRatio,
        maxDuplicateLineRatio,
        topNgramSize,
        maxTopNgramRatio,
        duplicateNgramSize,
        maxDuplicateNgramRatio);
  }

  private static void share(String key, double value) {
    if (!(value >= 0 && value <= 1)) {
      throw new DataException(key + ": " + value + " is no share; give one from 0 to 1");
    }
  }

  private static void size(String key, int value) {
    if (value < 2 || value > 64) {
      throw new DataException(key + ": " + value + " is not from 2 to 64 (characters)");
    }
  }
}
