package dev.yushan.engine;

/// How many tokens of prompts a forward pass takes beside texts that are being generated: as many
/// as make it at most [#STRETCH] times as long as one without. Where more requests wait for their
/// first token than texts are generated, it may be as many times longer again, so that the few do
/// not hold up the many. Without texts a pass takes all it can.
///
/// That a pass takes `base + slope · tokens` is learned from the time that passes took, the last
/// ones counting most: means, variance and covariance with weights that fall off exponentially.
final class StepBudget {
  /// How much longer than alone a step of running texts may take.
  static final double STRETCH = 2.5;

  private static final double WEIGHT = 0.1;
  private static final int LEAST = 8;
  private static final int FIRST = 32;

  private final int most;
  private boolean begun;
  private double meanTokens;
  private double meanNanos;
  private double variance;
  private double covariance;
  private double slope;

  /// @param most tokens of a pass
  StepBudget(int most) {
    this.most = most;
  }

  /// Tokens of prompts for the next pass.
  ///
  /// @param texts that are being generated
  /// @param prompts that are not computed yet, or not to their end
  int tokens(int texts, int prompts) {
    if (slope <= 0) {
      return Math.min(FIRST, most);
    }
    double alone = Math.max(meanNanos + slope * (texts - meanTokens), slope * texts);
    double longer = STRETCH * Math.max(1, prompts / (double) Math.max(1, texts));
    return (int) Math.clamp(alone * (longer - 1) / slope, Math.min(LEAST, most), most);
  }

  /// Learns from a pass.
  void took(int tokens, long nanos) {
    double moreTokens = begun ? tokens - meanTokens : tokens;
    double moreNanos = begun ? nanos - meanNanos : nanos;
    double weight = begun ? WEIGHT : 1;
    begun = true;
    meanTokens += weight * moreTokens;
    meanNanos += weight * moreNanos;
    variance = (1 - weight) * (variance + weight * moreTokens * moreTokens);
    covariance = (1 - weight) * (covariance + weight * moreTokens * moreNanos);
    // passes of about one size say nothing of the slope: what is known of it stays
    if (variance >= 1 && covariance > 0) {
      slope = covariance / variance;
    }
  }
}
