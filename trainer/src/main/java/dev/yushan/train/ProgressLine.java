package dev.yushan.train;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// Shows how a run goes: on a terminal one line that is drawn anew at every step, elsewhere a line
/// at each log entry, and where these are rare every half minute.
public final class ProgressLine implements TrainingListener {
  private static final String CLEAR = "\r\033[K";
  private static final long REDRAW_NANOS = 100_000_000;
  private static final long LINE_NANOS = 30_000_000_000L;

  private final PrintStream out;
  private final boolean terminal;
  private final int width;
  private StepPlan plan = new StepPlan(1, 1, 0);
  private Progress start = Progress.START;
  private Pace pace = new Pace();
  private long begin;
  private long drawn;
  private long shown;

  /// @param terminal whether `out` is one
  /// @param width of the terminal in characters: a longer line would not be drawn over
  public ProgressLine(PrintStream out, boolean terminal, int width) {
    this.out = out;
    this.terminal = terminal;
    this.width = width;
  }

  @Override
  public void started(StepPlan steps, Progress progress) {
    plan = steps;
    start = progress;
    begin = System.nanoTime();
    drawn = begin;
    pace = new Pace();
    pace.mark(begin);
  }

  @Override
  public void stepped(StepReport step, Progress progress) {
    long now = System.nanoTime();
    pace.mark(now);
    boolean last = progress.steps() == plan.totalSteps();
    if (terminal && (last || now - drawn >= REDRAW_NANOS)) {
      drawn = now;
      out.print(CLEAR + cut(text(step, step.loss(), progress)));
      out.flush();
    } else if (!terminal && now - drawn >= LINE_NANOS) {
      line(text(step, progress.lossSinceLogged(), progress)); // what would be logged here
      drawn = now;
      shown = progress.steps();
    }
  }

  @Override
  public void logged(StepReport step, double loss, Progress progress) {
    if (!terminal && shown != progress.steps()) {
      line(text(step, loss, progress));
      drawn = System.nanoTime();
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

  /// As many fields as fit: a number that is cut off is another number.
  private String cut(String line) {
    int end = line.length();
    while (end >= width && line.lastIndexOf("  ", end - 1) > 0) {
      end = line.lastIndexOf("  ", end - 1);
    }
    return line.substring(0, Math.min(end, Math.max(0, width - 1)));
  }

  private void line(String text) {
    out.println((terminal ? CLEAR : "") + text);
  }

  private String text(StepReport step, double loss, Progress progress) {
    double seconds = Math.max(1e-9, (System.nanoTime() - begin) * 1e-9);
    double left = (plan.totalSteps() - progress.steps()) * pace.secondsPerStep();
    return String.format(
        Locale.ROOT,
        "step %d/%d  loss %.4f  ETA %s  %.0f tokens/s  lr %.3g  grad norm %.3f  epoch %.2f",
        progress.steps(),
        plan.totalSteps(),
        loss,
        TrainingLog.clock(left),
        (progress.tokens() - start.tokens()) / seconds,
        step.learningRate(),
        step.gradientNorm(),
        plan.epochsAfter(progress.steps()));
  }
}
