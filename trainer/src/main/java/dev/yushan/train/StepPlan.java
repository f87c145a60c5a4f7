package dev.yushan.train;

/// Which micro-batches belong to which optimizer step. A run's place in its data is the number of
/// its step, so nothing else is to be saved for a resume.
///
/// Micro-batches are counted as `transformers` does: the last step of an epoch takes what is left,
/// however few, and no step reaches into the next epoch.
///
/// @param microBatches in an epoch
/// @param accumulation micro-batches of a step
/// @param totalSteps steps of the run
public record StepPlan(int microBatches, int accumulation, long totalSteps) {
  /// The plan for so many epochs, or for `maxSteps` steps if that is above 0.
  public static StepPlan of(int microBatches, int accumulation, double epochs, long maxSteps) {
    if (microBatches < 1) {
      throw new TrainingException("there is nothing to train on: the data gives no micro-batch");
    }
    long perEpoch = Math.ceilDiv(microBatches, accumulation);
    long total = maxSteps > 0 ? maxSteps : (long) Math.ceil(epochs * perEpoch);
    return new StepPlan(microBatches, accumulation, total);
  }

  public long stepsPerEpoch() {
    return Math.ceilDiv(microBatches, accumulation);
  }

  /// The epoch, from 0, that step `step`, from 0, belongs to.
  public long epoch(long step) {
    return step / stepsPerEpoch();
  }

  /// The first micro-batch of a step within its epoch.
  public int first(long step) {
    return (int) (step % stepsPerEpoch()) * accumulation;
  }

  /// One past the last micro-batch of a step within its epoch.
  public int end(long step) {
    return Math.min(first(step) + accumulation, microBatches);
  }

  /// Passes over the data after `steps` steps, as `transformers` logs them.
  public double epochsAfter(long steps) {
    return steps == 0 ? 0 : epoch(steps - 1) + (double) end(steps - 1) / microBatches;
  }

  /// Whether an epoch, or the run, is over after `steps` steps.
  public boolean endsEpoch(long steps) {
    return steps % stepsPerEpoch() == 0 || steps == totalSteps;
  }

  /// Epochs that are begun.
  public long epochs() {
    return Math.ceilDiv(totalSteps, stepsPerEpoch());
  }
}
