package dev.yushan.data.dedup;

import dev.yushan.data.DataException;

/// How duplicates are found.
///
/// @param exact whether documents of the same normalised text are removed (key `exact`)
/// @param near whether documents of similar text are removed (key `near`)
/// @param normalization what makes no difference, for both (key `normalization`)
/// @param ngramSize characters of an n-gram (key `ngram_size`)
/// @param bands MinHash bands: more of them find more and cost 8 bytes each a document (key
///   `bands`)
/// @param rows hash functions a band: more of them make the curve steeper (key `rows`)
/// @param threshold the least Jaccard similarity of a near duplicate (key `threshold`)
/// @param maxRepresentatives of the documents that share a band and are all kept, how many later
///   ones are compared with (key `max_representatives`)
public record DedupConfig(
    boolean exact,
    boolean near,
    Normalization normalization,
    int ngramSize,
    int bands,
    int rows,
    double threshold,
    int maxRepresentatives) {
  /// Both; 5-grams, 14 bands of 8 rows, Jaccard 0.8.
  public static final DedupConfig DEFAULTS =
      new DedupConfig(true, true, Normalization.DEFAULTS, 5, 14, 8, 0.8, 32);

  /// Changes when signatures of the same settings come out differently than before.
  private static final int VERSION = 1;

  public DedupConfig {
    within("ngram_size", ngramSize, 1, 64);
    within("bands", bands, 1, 256);
    within("rows", rows, 1, 64);
    within("max_representatives", maxRepresentatives, 1, 1_000_000);
    if (!(threshold > 0 && threshold <= 1)) {
      throw new DataException(
          "threshold: "
              + threshold
              + " is no Jaccard similarity; give a number above 0 and at most 1, such as 0.8");
    }
  }

  static void within(String key, int value, int least, int most) {
    if (value < least || value > most) {
      throw new DataException(
          "%s: %d is not allowed; give a number from %d to %d".formatted(key, value, least, most));
    }
  }

  /// The probability that two documents of this Jaccard similarity are compared at all: 1 − (1 −
  /// s^rows)^bands.
  public double candidateProbability(double jaccard) {
    return 1 - Math.pow(1 - Math.pow(jaccard, rows), bands);
  }

  /// Everything that signatures depend on: equal for two configurations whose signatures are.
  public String signatureSettings() {
    return "version %d, %s, ngram_size %d, bands %d, rows %d"
        .formatted(VERSION, normalization, ngramSize, bands, rows);
  }
}
