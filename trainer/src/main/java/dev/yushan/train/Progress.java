package dev.yushan.train;

import java.util.ArrayList;
import java.util.List;

/// How far a run has come: what a checkpoint holds beside weights and optimizer.
///
/// @param steps optimizer steps taken
/// @param tokens real tokens seen
/// @param lossSum sum of the losses of all steps
/// @param loggedSteps steps taken when last logged
/// @param loggedLossSum `lossSum` at that moment
/// @param skipped steps that left the weights as they were
/// @param skippedInRow how many of them were the last steps
/// @param evaluationDue whether the held-out data is to be evaluated before the next step
/// @param recent what [SpikeGuard] looks back on, the last step last
public record Progress(
    long steps,
    long tokens,
    double lossSum,
    long loggedSteps,
    double loggedLossSum,
    long skipped,
    int skippedInRow,
    boolean evaluationDue,
    List<SpikeGuard.Seen> recent) {
  /// Before the first step.
  public static final Progress START = new Progress(0, 0, 0, 0, 0, 0, 0, false, List.of());

  public Progress {
    recent = List.copyOf(recent);
  }

  /// @param window steps that are looked back on
  Progress after(StepReport step, int window) {
    boolean left = step.spike().filter(Spike::skipped).isPresent();
    return new Progress(
        step.step(),
        tokens + step.tokens(),
        lossSum + step.loss(),
        loggedSteps,
        loggedLossSum,
        left ? skipped + 1 : skipped,
        left ? skippedInRow + 1 : 0,
        false,
        left ? recent : seen(step, window));
  }

  private List<SpikeGuard.Seen> seen(StepReport step, int window) {
    List<SpikeGuard.Seen> all = new ArrayList<>(recent);
    all.add(new SpikeGuard.Seen(step.loss(), step.gradientNorm()));
    return all.subList(Math.max(0, all.size() - window), all.size());
  }

  Progress logged() {
    return new Progress(
        steps, tokens, lossSum, steps, lossSum, skipped, skippedInRow, evaluationDue, recent);
  }

  Progress evaluationDue(boolean due) {
    return new Progress(
        steps, tokens, lossSum, loggedSteps, loggedLossSum, skipped, skippedInRow, due, recent);
  }

  /// Whether nothing of `plan` is left to do.
  boolean completes(StepPlan plan) {
    return steps == plan.totalSteps() && !evaluationDue;
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
