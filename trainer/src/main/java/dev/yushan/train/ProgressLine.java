package dev.yushan.train;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Shows how a run goes: on a terminal one line that is drawn anew at every step, elsewhere a line
/// at each log entry.
public final class ProgressLine implements TrainingListener {
  private static final String CLEAR = "\r\033[K";
  private static final long REDRAW_NANOS = 100_000_000;

  private final PrintStream out;
  private final boolean terminal;
  private StepPlan plan = new StepPlan(1, 1, 0);
  private Progress start = Progress.START;
  private long begin;
  private long drawn;

  /// @param terminal whether `out` is one
  public ProgressLine(PrintStream out, boolean terminal) {
    this.out = out;
    this.terminal = terminal;
  }

  @Override
  public void started(StepPlan steps, Progress progress) {
    plan = steps;
    start = progress;
    begin = System.nanoTime();
  }

  @Override
  public void stepped(StepReport step, Progress progress) {
    long now = System.nanoTime();
    boolean last = progress.steps() == plan.totalSteps();
    if (terminal && (last || now - drawn >= REDRAW_NANOS)) {
      drawn = now;
      out.print(CLEAR + text(step, step.loss(), progress));
      out.flush();
    }
  }

  @Override
  public void logged(StepReport step, double loss, Progress progress) {
    if (!terminal) {
      out.println(text(step, loss, progress));
    }
  }

  @Override
  public void evaluated(List<EvalResult> results, Progress progress) {
    String all =
        results.stream()
            .map(
                result ->
                    String.format(
                        Locale.ROOT,
                        "%s loss %.4f, perplexity %.2f",
                        Results.prefix(results, result),
                        result.loss(),
                        result.perplexity()))
            .collect(Collectors.joining("; "));
    line("step %d: %s".formatted(progress.steps(), all));
  }

  /// Makes room for the message that follows.
  @Override
  public void checkpoint(Progress progress) {
    if (terminal) {
      out.print(CLEAR);
      out.flush();
    }
  }

  @Override
  public void stopped(String why, Progress progress) {
    finished(progress);
  }

  @Override
  public void finished(Progress progress) {
    if (terminal) {
      out.println();
    }
  }

  private void line(String text) {
    out.println((terminal ? CLEAR : "") + text);
  }

  private String text(StepReport step, double loss, Progress progress) {
    double seconds = Math.max(1e-9, (System.nanoTime() - begin) * 1e-9);
    long done = Math.max(1, progress.steps() - start.steps());
    double left = (plan.totalSteps() - progress.steps()) * (seconds / done);
    return String.format(
        Locale.ROOT,
        "step %d/%d  epoch %.2f  loss %.4f  lr %.3g  grad norm %.3f  %.0f tokens/s  ETA %s",
        progress.steps(),
        plan.totalSteps(),
        plan.epochsAfter(progress.steps()),
        loss,
        step.learningRate(),
        step.gradientNorm(),
        (progress.tokens() - start.tokens()) / seconds,
        TrainingLog.clock(left));
  }
}
