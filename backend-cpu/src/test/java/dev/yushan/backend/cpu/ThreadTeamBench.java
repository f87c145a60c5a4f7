package dev.yushan.backend.cpu;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/// Measures what it costs to have a team work: the time of a [ThreadTeam#run] of a task for each
/// thread that does nothing but wait until all threads have theirs. Right after another call, when
/// the workers still spin, and a millisecond later, when they sleep.
///
/// Arguments: `[threads]`. From the root of the checkout:
///
/// ```
/// mvn -q -Pbench -DskipTests -pl backend-cpu -am test -Dbench.main=ThreadTeamBench -Dbench.arguments=2
/// ```
final class ThreadTeamBench {
  private static final int WARM_UP = 200_000;

  private ThreadTeamBench() {}

  public static void main(String[] args) {
    int threads =
        args.length > 0 ? Integer.parseInt(args[0]) : Runtime.getRuntime().availableProcessors();
    try (ThreadTeam team = new ThreadTeam(threads)) {
      calls(team, WARM_UP, 0);
      System.out.printf("%d thread(s), microseconds a call%n", threads);
      print("workers spin", calls(team, 100_000, 0));
      print("workers sleep", calls(team, 2_000, 1_000_000));
    }
  }

  /// Nanoseconds of each of `count` calls, with a pause before each.
  private static long[] calls(ThreadTeam team, int count, long pause) {
    long[] nanos = new long[count];
    AtomicInteger arrived = new AtomicInteger();
    IntConsumer meeting =
        task -> {
          arrived.incrementAndGet();
          while (arrived.get() < team.threads()) {
            Thread.onSpinWait();
          }
        };
    for (int i = 0; i < count; i++) {
      if (pause > 0) {
        LockSupport.parkNanos(pause);
      }
      arrived.set(0);
      long begin = System.nanoTime();
      team.run(team.threads(), meeting);
      nanos[i] = System.nanoTime() - begin;
    }
    return nanos;
  }

  private static void print(String what, long[] nanos) {
    Arrays.sort(nanos);
    System.out.printf(
        "%-14s median %6.2f, a tenth below %.2f, a tenth above %.2f%n",
        what,
        nanos[nanos.length / 2] / 1e3,
        nanos[nanos.length / 10] / 1e3,
        nanos[nanos.length * 9 / 10] / 1e3);
  }
}
