package dev.yushan.data.hygiene;

import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/// The filters of [Quality], in the order in which they are asked. Each compares one measure with
/// one setting.
public enum QualityFilter {
  LENGTH(true, QualityMeasures::characters, QualityConfig::minCharacters),
  BROKEN(false, QualityMeasures::brokenRatio, QualityConfig::maxBrokenRatio),
  HAN(true, QualityMeasures::hanRatio, QualityConfig::minHanRatio),
  SYMBOL(false, QualityMeasures::symbolRatio, QualityConfig::maxSymbolRatio),
  DIGIT(false, QualityMeasures::digitRatio, QualityConfig::maxDigitRatio),
  BULLET_LINES(false, QualityMeasures::bulletLineRatio, QualityConfig::maxBulletLineRatio),
  ELLIPSIS_LINES(false, QualityMeasures::ellipsisLineRatio, QualityConfig::maxEllipsisLineRatio),
  UNPUNCTUATED_LINES(
      false, QualityMeasures::unpunctuatedLineRatio, QualityConfig::maxUnpunctuatedLineRatio),
  BOILERPLATE_LINES(
      false, QualityMeasures::boilerplateLineRatio, QualityConfig::maxBoilerplateLineRatio),
  DUPLICATE_LINES(false, QualityMeasures::duplicateLineRatio, QualityConfig::maxDuplicateLineRatio),
  TOP_NGRAM(false, QualityMeasures::topNgramRatio, QualityConfig::maxTopNgramRatio),
  DUPLICATE_NGRAMS(
      false, QualityMeasures::duplicateNgramRatio, QualityConfig::maxDuplicateNgramRatio);

  private final boolean minimum;
  private final ToDoubleFunction<QualityMeasures> measure;
  private final ToDoubleFunction<QualityConfig> threshold;

  QualityFilter(
      boolean minimum,
      ToDoubleFunction<QualityMeasures> measure,
      ToDoubleFunction<QualityConfig> threshold) {
    this.minimum = minimum;
    this.measure = measure;
    this.threshold = threshold;
  }

  /// The name in reports: `duplicate_lines`.
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// Whether the threshold is the least that passes, else it is the most.
  public boolean isMinimum() {
    return minimum;
  }

  /// What this filter looks at.
  public double value(QualityMeasures measures) {
    return measure.applyAsDouble(measures);
  }

  Optional<Rejection> reject(QualityMeasures measures, QualityConfig config) {
    if (this == HAN && config.latinDocuments() && measures.latinRatio() > 0.5) {
      return Optional.empty();
    }
    double value = value(measures);
    double limit = threshold.applyAsDouble(config);
    boolean passes = minimum ? value >= limit : value <= limit;
    return passes ? Optional.empty() : Optional.of(new Rejection(this, value, limit));
  }
}
