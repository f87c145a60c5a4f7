package dev.yushan.train;

import java.util.Locale;

/// How often something is done.
///
/// @param unit what is counted
/// @param every steps between, for [Unit#STEPS]; below 1 a share of all steps, rounded up
public record Cadence(Unit unit, double every) {
  /// What `*_strategy` keys choose from.
  public enum Unit {
    NO,
    STEPS,
    EPOCH
  }

  /// Never.
  public static final Cadence NEVER = new Cadence(Unit.NO, 0);

  /// After each epoch, and at the end.
  public static final Cadence EPOCHS = new Cadence(Unit.EPOCH, 0);

  public Cadence {
    if (unit == Unit.STEPS && !(every > 0)) {
      throw new ConfigException("a number of steps must be above 0, got " + every);
    }
  }

  /// Every `every` steps.
  public static Cadence steps(double every) {
    return new Cadence(Unit.STEPS, every);
  }

  static Cadence of(TrainingConfig config, String strategyKey, String stepsKey) {
    Unit unit = Unit.valueOf(config.text(strategyKey).toUpperCase(Locale.ROOT));
    if (unit == Unit.STEPS && config.number(stepsKey) == 0) {
      throw config.wrong(stepsKey, "is no interval; to switch it off set " + strategyKey + ": no");
    }
    return new Cadence(unit, config.number(stepsKey));
  }

  /// Whether it is due after `steps` steps.
  public boolean due(StepPlan plan, long steps) {
    return switch (unit) {
      case NO -> false;
      case STEPS -> steps % interval(plan.totalSteps()) == 0;
      case EPOCH -> plan.endsEpoch(steps);
    };
  }

  /// Steps between, in a run of `totalSteps`; 1 where steps are not counted.
  public long interval(long totalSteps) {
    return Math.max(1, (long) (every < 1 ? Math.ceil(totalSteps * every) : every));
  }
}
