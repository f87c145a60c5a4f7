package dev.yushan.backend.cpu;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// What it costs to have a team work: nanoseconds of a [ThreadTeam#run] of a task for each thread
/// that does nothing but wait until all threads have theirs. A team of one is its caller.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ThreadTeamBenchmark extends KernelBenchmark {
  private static final int ROUNDS = 1000;

  private final AtomicInteger arrived = new AtomicInteger();
  private final AtomicInteger turn = new AtomicInteger();

  /// A pause before each call, so long that workers sleep.
  @State(Scope.Thread)
  public static class Pause {
    @Setup(Level.Invocation)
    public void pause() {
      LockSupport.parkNanos(1_000_000);
    }
  }

  /// Right after another call, when the workers still spin.
  @Benchmark
  public void spinning(Team threads) {
    arrived.set(0);
    threads.team.run(
        threads.threads,
        task -> {
          arrived.incrementAndGet();
          while (arrived.get() < threads.threads) {
            Thread.onSpinWait();
          }
        });
  }

  /// A cache line handed from thread to thread, once around: some 100 ns for two that share a
  /// third-level cache, and several times as long for two that do not.
  @Benchmark
  @OperationsPerInvocation(ROUNDS)
  public void around(Team threads) {
    int all = threads.threads;
    turn.set(0);
    threads.team.run(
        all,
        task -> {
          for (int i = task; i < ROUNDS * all; i += all) {
            while (turn.get() < i) {
              Thread.onSpinWait();
            }
            turn.set(i + 1);
          }
        });
  }

  @Benchmark
  public void sleeping(Pause pause, Team threads) {
    spinning(threads);
  }
}
