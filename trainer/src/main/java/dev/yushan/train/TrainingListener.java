package dev.yushan.train;

import dev.yushan.data.MicroBatch;
import java.util.List;
import java.util.Optional;

/// What happens in a run, in this order at each step. A method that throws ends the run.
public interface TrainingListener {
  /// The first step comes next, or the first after a resume.
  default void started(StepPlan plan, Progress progress) {}

  /// A micro-batch of the step was computed: its gradients are added to those of the step.
  ///
  /// @param nll negative log-likelihood of the target at each token of the batch, natural log; 0
  ///   where there is none
  default void computed(MicroBatch batch, float[] nll) {}

  /// An optimizer step was taken.
  default void stepped(StepReport step, Progress progress) {}

  /// A log entry is due.
  ///
  /// @param step the last step
  /// @param loss mean of the steps since the last entry
  default void logged(StepReport step, double loss, Progress progress) {}

  /// Held-out data was evaluated.
  default void evaluated(List<EvalResult> results, Progress progress) {}

  /// A checkpoint is due.
  default void checkpoint(Progress progress) {}

  /// Asked before the first step and after every one, when all that was due is done, and before
  /// each batch of an evaluation: why the run should end here, if it should. Having said so once it
  /// keeps saying so.
  default Optional<String> stop(Progress progress) {
    return Optional.empty();
  }

  /// The run ends before its last step or the evaluation after it, because [#stop] of a listener
  /// said so.
  default void stopped(String why, Progress progress) {}

  /// The last step was taken.
  default void finished(Progress progress) {}

  /// One that tells each of `listeners` in turn.
  static TrainingListener all(TrainingListener... listeners) {
    return new Listeners(List.of(listeners));
  }
}
