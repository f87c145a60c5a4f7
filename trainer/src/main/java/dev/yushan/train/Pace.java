package dev.yushan.train;

import java.util.ArrayDeque;
import java.util.Deque;

/// How fast a run goes of late. The first steps, in which kernels are compiled, say little of those
/// to come.
final class Pace {
  private static final int RECENT = 20;

  private final Deque<Long> ends = new ArrayDeque<>();

  /// Notes the end of a step, or before the first that it begins; nanoseconds of [System#nanoTime].
  void mark(long nanos) {
    ends.addLast(nanos);
    if (ends.size() > RECENT + 1) {
      ends.removeFirst();
    }
  }

  /// Seconds from step to step, with all that was done between; 0 before the first.
  double secondsPerStep() {
    return ends.size() < 2 ? 0 : (ends.getLast() - ends.getFirst()) * 1e-9 / (ends.size() - 1);
  }
}
