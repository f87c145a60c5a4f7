package dev.yushan.backend.cpu;

import dev.yushan.tensor.DType;
import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/// What the benchmarks share. Run from the root of the checkout, all or those of a name:
///
/// ```
/// mvn -q -Pjmh -DskipTests -pl backend-cpu -am test -Djmh.arguments="Weights -p threads=2 -p dtype=BF16"
/// ```
///
/// JMH counts calls a second; the rows of `gigaflops` and `gigabytes` below that are what the calls
/// computed and read a second, in units of 10⁹, and `ofPeak` and `ofReads` the same as shares of
/// what the threads can do at most ([MeasuredLimits], before the warm-up).
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public abstract class KernelBenchmark {
  /// Bytes of an operand that no cache holds.
  private static final long BYTES = 1L << 27;

  /// In each byte of it. As any of the types that makes numbers of a usual size, and a matrix of
  /// equal bytes is the same whether [Packed] or not.
  private static final byte VALUE = 0x3C;

  /// The threads that compute; JMH calls from one.
  @State(Scope.Benchmark)
  public static class Team {
    @Param({"1", "2"})
    public int threads;

    ThreadTeam team;

    @Setup
    public void start() {
      team = new ThreadTeam(threads);
    }

    @TearDown
    public void close() {
      team.close();
    }
  }

  /// Floating-point operations, a multiply-add counted as two.
  @State(Scope.Thread)
  @AuxCounters
  public static class Flops {
    public double gigaflops;
    public double ofPeak;
    private double peak;

    @Setup
    public void limit(Team threads) {
      peak = MeasuredLimits.flops(threads.team);
    }

    void add(double flops) {
      gigaflops += flops * 1e-9;
      ofPeak += flops / peak;
    }
  }

  /// Bytes read from memory.
  @State(Scope.Thread)
  @AuxCounters
  public static class Reads {
    public double gigabytes;
    public double ofReads;
    private double most;

    @Setup
    public void limit(Team threads) {
      most = MeasuredLimits.of(threads.team, Long.MAX_VALUE).readBytes();
    }

    void add(double bytes) {
      gigabytes += bytes * 1e-9;
      ofReads += bytes / most;
    }
  }

  /// A matrix of 128 MiB.
  static Matrix large(Arena arena, DType dtype, int columns, boolean packed) {
    int rows = (int) (BYTES / dtype.bytes(columns)) / Tile.WIDTH * Tile.WIDTH;
    return matrix(arena, dtype, rows, columns, packed);
  }

  static Matrix matrix(Arena arena, DType dtype, int rows, int columns, boolean packed) {
    long bytes = dtype.bytes((long) rows * columns);
    return new Matrix(dtype, arena.allocate(bytes, 64).fill(VALUE), rows, columns, columns, packed);
  }
}
