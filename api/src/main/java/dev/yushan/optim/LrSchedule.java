package dev.yushan.optim;

/// The learning rate of each step: a pure function of the step's number.
///
/// The formulas are those of `optimization.py` in transformers. Steps count from 0: the rate of the
/// first step is [#at]`(0)`, which is 0 where there is a warm-up.
///
/// @param baseRate the highest rate
/// @param warmupSteps steps over which the rate rises in a line
/// @param totalSteps steps of the whole run
/// @param minRatio lowest rate over the highest, for the kinds that have one
/// @param decaySteps length of the last phase of [Kind#WARMUP_STABLE_DECAY]
public record LrSchedule(
    Kind kind,
    double baseRate,
    long warmupSteps,
    long totalSteps,
    double minRatio,
    long decaySteps) {

  /// The schedules, under the names of `lr_scheduler_type` in lower case.
  public enum Kind {
    /// The base rate throughout.
    CONSTANT,
    /// Warm-up, then the base rate.
    CONSTANT_WITH_WARMUP,
    /// Warm-up, then a line to 0.
    LINEAR,
    /// Warm-up, then half a cosine to 0.
    COSINE,
    /// Warm-up, then half a cosine to the lowest rate.
    COSINE_WITH_MIN_LR,
    /// As [#COSINE_WITH_MIN_LR], one step ahead: the first step's rate is not 0, the last is
    /// lowest.
    COSINE_WARMUP_WITH_MIN_LR,
    /// Warm-up from the lowest rate, the base rate, then half a cosine to the lowest rate.
    WARMUP_STABLE_DECAY
  }

  public LrSchedule {
    if (baseRate < 0 || warmupSteps < 0 || totalSteps < 1 || minRatio < 0 || minRatio > 1) {
      throw new IllegalArgumentException(
          "a schedule needs learning_rate >= 0, warmup_steps >= 0, at least one step and "
              + "0 <= min_lr <= learning_rate; got rate %s, warm-up %d, %d steps, lowest ratio %s"
                  .formatted(baseRate, warmupSteps, totalSteps, minRatio));
    }
  }

  /// Warm-up steps from `warmup_ratio`, or from `warmup_steps` where that is below 1:
  /// `ceil(totalSteps · ratio)`.
  public static long warmupSteps(double ratio, long totalSteps) {
    return (long) Math.ceil(totalSteps * ratio);
  }

  /// The learning rate of step `step`, counted from 0.
  public double at(long step) {
    return baseRate * factor(step);
  }

  private double factor(long step) {
    if (kind == Kind.CONSTANT) {
      return 1;
    }
    if (kind == Kind.COSINE_WARMUP_WITH_MIN_LR) {
      return step < warmupSteps
          ? (step + 1.0) / Math.max(1, warmupSteps)
          : above(minRatio, halfCosine(progress(step + 1)));
    }
    if (step < warmupSteps) {
      double rise = (double) step / Math.max(1, warmupSteps);
      return kind == Kind.WARMUP_STABLE_DECAY ? above(minRatio, rise) : rise;
    }
    return switch (kind) {
      case CONSTANT, CONSTANT_WITH_WARMUP, COSINE_WARMUP_WITH_MIN_LR -> 1;
      case LINEAR ->
          Math.max(0, (double) (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));
      case COSINE -> halfCosine(progress(step));
      case COSINE_WITH_MIN_LR -> above(minRatio, halfCosine(progress(step)));
      case WARMUP_STABLE_DECAY -> stableThenDecay(step);
    };
  }

  private double progress(long step) {
    return (double) (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  }

  private double stableThenDecay(long step) {
    long decayStart = totalSteps - decaySteps;
    if (step < decayStart) {
      return 1;
    }
    return step >= totalSteps
        ? minRatio
        : above(minRatio, halfCosine((double) (step - decayStart) / Math.max(1, decaySteps)));
  }

  private static double halfCosine(double progress) {
    return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  }

  private static double above(double lowest, double share) {
    return share * (1 - lowest) + lowest;
  }
}
