package dev.yushan.train;

import java.time.Duration;
import java.util.Optional;

/// A wish to end a run in order, made by a signal or by the clock: the step under way is finished,
/// a checkpoint saved, and the run ends there. Continued, it goes on to the same bits.
///
/// Safe for concurrent use.
public final class StopRequest implements TrainingListener {
  private final long limitNanos;
  private final String limit;
  private final long begin = System.nanoTime();
  private volatile Optional<String> reason = Optional.empty();
  private long asked = begin;
  private long askedAfter = -1;
  private long longestStep;

  /// One that only [#request] makes.
  public StopRequest() {
    this(Duration.ofNanos(Long.MAX_VALUE), "");
  }

  /// One that is also made before `limit` has passed from now, with time for one more step, the
  /// evaluation and the checkpoint as long as they took before.
  ///
  /// @param name what the limit is called in messages
  public StopRequest(Duration limit, String name) {
    this.limitNanos = limit.toNanos();
    this.limit = name;
  }

  /// Ends the run after the step under way.
  public void request(String why) {
    reason = Optional.of(why);
  }

  /// Whether the run was asked to end.
  public boolean requested() {
    return reason.isPresent();
  }

  @Override
  public void started(StepPlan plan, Progress progress) {
    asked = System.nanoTime();
  }

  @Override
  public Optional<String> stop(Progress progress) {
    long now = System.nanoTime();
    // in an evaluation it is asked many times
    if (progress.steps() > askedAfter) {
      longestStep = Math.max(longestStep, now - asked);
      asked = now;
      askedAfter = progress.steps();
    }
    if (reason.isEmpty() && now - begin + longestStep > limitNanos) {
      request(limit);
    }
    return reason;
  }
}
