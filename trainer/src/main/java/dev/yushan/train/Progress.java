package dev.yushan.train;

/// How far a run has come: what a checkpoint holds beside weights and optimizer.
///
/// @param steps optimizer steps taken
/// @param tokens real tokens seen
/// @param lossSum sum of the losses of all steps
/// @param loggedSteps steps taken when last logged
/// @param loggedLossSum `lossSum` at that moment
public record Progress(
    long steps, long tokens, double lossSum, long loggedSteps, double loggedLossSum) {
  /// Before the first step.
  public static final Progress START = new Progress(0, 0, 0, 0, 0);

  Progress after(StepReport step) {
    return new Progress(
        step.step(), tokens + step.tokens(), lossSum + step.loss(), loggedSteps, loggedLossSum);
  }

  Progress logged() {
    return new Progress(steps, tokens, lossSum, steps, lossSum);
  }

  /// Mean loss of all steps; NaN before the first.
  public double meanLoss() {
    return lossSum / steps;
  }

  /// Mean loss of the steps since the last log entry.
  public double lossSinceLogged() {
    return (lossSum - loggedLossSum) / (steps - loggedSteps);
  }
}
