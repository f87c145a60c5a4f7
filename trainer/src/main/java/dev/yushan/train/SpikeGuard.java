package dev.yushan.train;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Watches the loss and the gradient norm of each step for values far above those of the steps
/// before: the z-score over a window. Immutable; the window itself is part of [Progress], so that a
/// resumed run sees what a run that nobody stopped would see.
///
/// @param action what to do about a spike
/// @param threshold standard deviations above the mean that make one
/// @param window steps that are looked back on
record SpikeGuard(Action action, double threshold, int window) {
  /// Fewer steps than this say nothing about what is usual.
  private static final int LEAST_STEPS = 20;

  /// So many steps in a row are no matter of documents: the weights themselves are no longer what
  /// the window knows, and leaving out steps would never end.
  static final int MOST_SKIPPED = 10;

  /// The standard deviation counts as at least this share of the mean, so that a run whose steps
  /// are all alike does not take the least change for a spike.
  private static final double LEAST_DEVIATION = 0.02;

  /// What is done about a spike.
  enum Action {
    /// Nothing is watched.
    NO,
    /// It is reported.
    WARN,
    /// It is reported, and the weights stay as they are; after [#MOST_SKIPPED] in a row the run
    /// ends.
    SKIP,
    /// The run ends, with the weights before the step.
    STOP
  }

  static final SpikeGuard NONE = new SpikeGuard(Action.NO, 1, 1);

  static SpikeGuard of(TrainingConfig config) {
    return new SpikeGuard(
        Action.valueOf(config.text("on_spike").toUpperCase(Locale.ROOT)),
        config.number("spike_threshold"),
        config.count("spike_window"));
  }

  /// What the guard saw at a step.
  ///
  /// @param loss mean of its targets
  /// @param gradientNorm before clipping
  record Seen(double loss, double gradientNorm) {}

  /// The spike that the step after `before` is, if it is one, with what is done about it.
  Optional<Spike> look(Progress before, Seen now) {
    Optional<Spike> spike = look(before.recent(), now);
    return action == Action.SKIP && before.skippedInRow() >= MOST_SKIPPED
        ? spike.map(Spike::stopping)
        : spike;
  }

  /// The spike that comes after `before`, if it is one.
  Optional<Spike> look(List<Seen> before, Seen now) {
    if (action == Action.NO || before.size() < Math.min(LEAST_STEPS, window)) {
      return Optional.empty();
    }
    double[] losses = before.stream().mapToDouble(Seen::loss).toArray();
    double[] norms = before.stream().mapToDouble(Seen::gradientNorm).toArray();
    return spike("loss", losses, now.loss())
        .or(() -> spike("gradient norm", norms, now.gradientNorm()));
  }

  private Optional<Spike> spike(String what, double[] before, double now) {
    double mean = 0;
    for (double value : before) {
      mean += value / before.length;
    }
    double variance = 0;
    for (double value : before) {
      variance += (value - mean) * (value - mean) / before.length;
    }
    double deviation = Math.max(Math.sqrt(variance), LEAST_DEVIATION * mean);
    double z = (now - mean) / deviation;
    return z > threshold
        ? Optional.of(new Spike(what, now, z, mean, before.length, action))
        : Optional.empty();
  }
}
