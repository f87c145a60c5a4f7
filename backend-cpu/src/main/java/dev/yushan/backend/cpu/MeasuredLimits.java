package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.ORDER;

import dev.yushan.backend.DeviceLimits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntConsumer;
import jdk.incubator.vector.FloatVector;

/// What the cores of a team can do at most, by two loops: fused multiply-adds on registers, and
/// reading memory from end to end. Each is the best of many short runs, since what else the machine
/// does can only take away.
final class MeasuredLimits {
  private static final long SETTLED_NANOS = 700_000_000;
  private static final long MOST_NANOS = 60_000_000_000L;

  /// What a vector takes at most in compiled code, multiplied or read: of many threads each has
  /// little of the memory. Before, 15 to 90 and twice that were seen.
  private static final long MOST_NANOS_MULTIPLIED = 4;

  private static final long MOST_NANOS_READ = 100;

  /// Fused multiply-adds of a chain in a run, a tenth of a millisecond or so.
  private static final int STEPS = 50_000;

  private static final int CHAINS = 12;

  /// Runs of a loop, at least.
  private static final int LEAST_RUNS = 100;

  /// More than caches hold.
  private static final long READ_BYTES = 1L << 29;

  /// Bytes that a task reads: whole groups of four vectors.
  private static final int PIECE = 1 << 20;

  /// Of so many threads: measured once, since a processor does not change under a process.
  private static final Map<Integer, Double> FLOPS = new ConcurrentHashMap<>();

  private static volatile float sink;

  private MeasuredLimits() {}

  /// @param availableBytes of memory; with little of it, less is read
  static DeviceLimits of(ThreadTeam team, long availableBytes) {
    return new DeviceLimits(flops(team), readBytes(team, availableBytes));
  }

  /// Operations a second of independent chains of FMA in registers, on all threads at once.
  static double flops(ThreadTeam team) {
    return FLOPS.computeIfAbsent(team.threads(), threads -> measureFlops(team));
  }

  private static double measureFlops(ThreadTeam team) {
    float[] start = new float[CHAINS + 2];
    start[CHAINS + 1] = 0.5f;
    double flops = 2.0 * CHAINS * Lanes.COUNT * STEPS * team.threads();
    int processors = Runtime.getRuntime().availableProcessors();
    int turns = (team.threads() + processors - 1) / processors;
    long most = MOST_NANOS_MULTIPLIED * CHAINS * STEPS * turns;
    return flops / fastest(team, team.threads(), most, i -> sink = chains(STEPS, start));
  }

  /// Bytes a second that all threads together read.
  private static double readBytes(ThreadTeam team, long availableBytes) {
    int pieces = (int) Math.max(1, Math.min(READ_BYTES, availableBytes / 4) / PIECE);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate((long) pieces * PIECE, 64);
      team.run(pieces, i -> memory.asSlice((long) i * PIECE, PIECE).fill((byte) 1));
      long most = MOST_NANOS_READ * (PIECE / (4 * Lanes.COUNT));
      double seconds = fastest(team, pieces, most, i -> sink = sum(memory, (long) i * PIECE));
      return (double) pieces * PIECE / seconds;
    }
  }

  /// Seconds of the fastest run. It goes on as long as runs become faster, for some runs in any
  /// case, and until the loop is compiled: other work may delay the compiler, and before, runs are
  /// as slow as each other, a thousand times slower.
  ///
  /// @param most nanoseconds that a task takes in compiled code
  private static double fastest(ThreadTeam team, int tasks, long most, IntConsumer task) {
    double compiled = (double) most * tasks / team.threads();
    long best = Long.MAX_VALUE;
    long unchanged = 0;
    long all = 0;
    for (int runs = 0;
        all < MOST_NANOS && (runs < LEAST_RUNS || unchanged < SETTLED_NANOS || best > compiled);
        runs++) {
      long begin = System.nanoTime();
      team.run(tasks, task);
      long nanos = System.nanoTime() - begin;
      // a process that was stopped for a while has not worked for that long
      long counted = Math.min(nanos, SETTLED_NANOS);
      all += counted;
      unchanged = nanos < 0.98 * best ? 0 : unchanged + counted;
      best = Math.min(best, nanos);
    }
    return best * 1e-9;
  }

  private static float sum(MemorySegment memory, long from) {
    FloatVector s0 = FloatVector.zero(F32);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int vector = 4 * Lanes.COUNT;
    // counted by an int: the compiler does not unroll a loop that a long counts
    for (int i = 0; i < PIECE; i += 4 * vector) {
      long at = from + i;
      s0 = s0.add(FloatVector.fromMemorySegment(F32, memory, at, ORDER));
      s1 = s1.add(FloatVector.fromMemorySegment(F32, memory, at + vector, ORDER));
      s2 = s2.add(FloatVector.fromMemorySegment(F32, memory, at + 2 * vector, ORDER));
      s3 = s3.add(FloatVector.fromMemorySegment(F32, memory, at + 3 * vector, ORDER));
    }
    return s0.add(s1).add(s2).add(s3).lane(0);
  }

  private static float chains(int steps, float[] s) {
    FloatVector c0 = FloatVector.broadcast(F32, s[0]);
    FloatVector c1 = FloatVector.broadcast(F32, s[1]);
    FloatVector c2 = FloatVector.broadcast(F32, s[2]);
    FloatVector c3 = FloatVector.broadcast(F32, s[3]);
    FloatVector c4 = FloatVector.broadcast(F32, s[4]);
    FloatVector c5 = FloatVector.broadcast(F32, s[5]);
    FloatVector c6 = FloatVector.broadcast(F32, s[6]);
    FloatVector c7 = FloatVector.broadcast(F32, s[7]);
    FloatVector c8 = FloatVector.broadcast(F32, s[8]);
    FloatVector c9 = FloatVector.broadcast(F32, s[9]);
    FloatVector ca = FloatVector.broadcast(F32, s[10]);
    FloatVector cb = FloatVector.broadcast(F32, s[11]);
    FloatVector x = FloatVector.broadcast(F32, s[12]);
    FloatVector y = FloatVector.broadcast(F32, s[13]);
    for (int i = 0; i < steps; i++) {
      c0 = x.fma(y, c0);
      c1 = x.fma(y, c1);
      c2 = x.fma(y, c2);
      c3 = x.fma(y, c3);
      c4 = x.fma(y, c4);
      c5 = x.fma(y, c5);
      c6 = x.fma(y, c6);
      c7 = x.fma(y, c7);
      c8 = x.fma(y, c8);
      c9 = x.fma(y, c9);
      ca = x.fma(y, ca);
      cb = x.fma(y, cb);
    }
    FloatVector sum = c0.add(c1).add(c2).add(c3).add(c4).add(c5);
    return sum.add(c6).add(c7).add(c8).add(c9).add(ca).add(cb).lane(0);
  }
}
