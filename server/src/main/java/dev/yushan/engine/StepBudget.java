package dev.yushan.engine;

/// How many tokens of prompts a forward pass takes beside texts that are being generated: as many
/// as make it at most [#STRETCH] times as long as one without. Where more requests wait for their
/// first token than texts are generated, it may be as many times longer again, so that the few do
/// not hold up the many. Without texts a pass takes what it can in [#LONGEST]: who comes or goes
/// waits for its end.
///
/// That a pass takes `base + slope · tokens` is learned from the time that passes took, the last
/// ones counting most: means, variance and covariance with weights that fall off exponentially.
/// Passes of nearly one size say little of the slope, since what else the machine does weighs more,
/// so they move it little. Nor is it believed far beyond the sizes that were seen lately.
final class StepBudget {
  /// How much longer than alone a step of running texts may take.
  static final double STRETCH = 2.25;

  /// Nanoseconds of a pass of prompts alone.
  static final long LONGEST = 2_000_000_000;

  private static final double WEIGHT = 0.1;
  private static final int LEAST = 8;

  /// Of a pass of prompts alone: fewer would cost more than they are worth.
  private static final int LEAST_ALONE = 64;

  private static final int FIRST = 32;

  /// The variance of sizes that counts as much as what was known before.
  private static final double DOUBT = 64;

  private final int most;
  private boolean begun;
  private double meanTokens;
  private double meanNanos;
  private double variance;
  private double covariance;
  private double slope;
  private double seen = FIRST;

  /// @param most tokens of a pass
  StepBudget(int most) {
    this.most = most;
  }

  /// Tokens of a pass, whatever they are of.
  int most() {
    if (slope <= 0) {
      return most;
    }
    double base = Math.max(0, meanNanos - slope * meanTokens);
    return (int) Math.clamp((LONGEST - base) / slope, Math.min(LEAST_ALONE, most), most);
  }

  /// Tokens of prompts for the next pass, beside texts.
  ///
  /// @param texts that are being generated
  /// @param prompts that are not computed yet, or not to their end
  int tokens(int texts, int prompts) {
    if (slope <= 0) {
      return Math.min(FIRST, most);
    }
    double alone = Math.max(meanNanos + slope * (texts - meanTokens), slope * texts);
    double longer = STRETCH * Math.max(1, prompts / (double) Math.max(1, texts));
    double room = Math.min(alone * (longer - 1) / slope, 2 * seen);
    return (int) Math.clamp(room, Math.min(LEAST, most), most);
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
    if (variance >= 1) {
      double doubt = slope > 0 ? DOUBT : 0;
      slope = Math.max(0, (covariance + doubt * slope) / (variance + doubt));
    }
    seen = Math.max(Math.max(FIRST, tokens), (1 - WEIGHT) * seen);
  }
}
