package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;

import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.CompilerControl;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/// The exponential function: nanoseconds an element, of one thread, in the first-level cache.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(ExpBenchmark.LENGTH)
public class ExpBenchmark extends KernelBenchmark {
  static final int LENGTH = 2048;

  private final float[] in = new float[LENGTH];
  private final float[] out = new float[LENGTH];

  public ExpBenchmark() {
    for (int i = 0; i < LENGTH; i++) {
      in[i] = -20f * i / LENGTH;
    }
  }

  // inlined into its caller its vectors go to the heap, see docs/explanation/vector-api.md
  @Benchmark
  @CompilerControl(CompilerControl.Mode.DONT_INLINE)
  public void vector() {
    for (int i = 0; i < LENGTH; i += Lanes.COUNT) {
      VectorMath.exp(FloatVector.fromArray(F32, in, i)).intoArray(out, i);
    }
  }

  @Benchmark
  public void scalar() {
    for (int i = 0; i < LENGTH; i++) {
      out[i] = VectorMath.exp(in[i]);
    }
  }

  /// The same of Java's library, in double precision.
  @Benchmark
  public void library() {
    for (int i = 0; i < LENGTH; i++) {
      out[i] = (float) Math.exp(in[i]);
    }
  }
}
