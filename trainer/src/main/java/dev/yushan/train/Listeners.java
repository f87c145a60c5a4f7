package dev.yushan.train;

import dev.yushan.data.MicroBatch;
import java.util.List;
import java.util.Optional;

/// Several listeners, each told in turn.
record Listeners(List<TrainingListener> all) implements TrainingListener {
  @Override
  public void started(StepPlan plan, Progress progress) {
    all.forEach(listener -> listener.started(plan, progress));
  }

  @Override
  public void computed(MicroBatch batch, float[] nll) {
    all.forEach(listener -> listener.computed(batch, nll));
  }

  @Override
  public void stepped(StepReport step, Progress progress) {
    all.forEach(listener -> listener.stepped(step, progress));
  }

  @Override
  public void logged(StepReport step, double loss, Progress progress) {
    all.forEach(listener -> listener.logged(step, loss, progress));
  }

  @Override
  public void evaluated(List<EvalResult> results, Progress progress) {
    all.forEach(listener -> listener.evaluated(results, progress));
  }

  @Override
  public void checkpoint(Progress progress) {
    all.forEach(listener -> listener.checkpoint(progress));
  }

  @Override
  public Optional<String> stop(Progress progress) {
    return all.stream().flatMap(listener -> listener.stop(progress).stream()).findFirst();
  }

  @Override
  public void stopped(String why, Progress progress) {
    all.forEach(listener -> listener.stopped(why, progress));
  }

  @Override
  public void finished(Progress progress) {
    all.forEach(listener -> listener.finished(progress));
  }
}
