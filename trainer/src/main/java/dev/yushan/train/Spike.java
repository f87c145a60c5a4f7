package dev.yushan.train;

import java.util.Locale;

/// A loss or gradient norm far above those of the steps before.
///
/// @param what `loss` or `gradient norm`
/// @param zScore standard deviations above the mean
/// @param mean of the steps before
/// @param steps how many steps that were
/// @param action what was done
record Spike(
    String what, double value, double zScore, double mean, int steps, SpikeGuard.Action action) {
  boolean skipped() {
    return action == SpikeGuard.Action.SKIP;
  }

  /// The same, at which the run ends.
  Spike stopping() {
    return new Spike(what, value, zScore, mean, steps, SpikeGuard.Action.STOP);
  }

  /// For example `gradient norm 41.3, 9.2 standard deviations above the mean of 2.1 over 100
  /// steps`.
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s %.4g, %.1f standard deviations above the mean of %.4g over %d steps",
        what,
        value,
        zScore,
        mean,
        steps);
  }
}
