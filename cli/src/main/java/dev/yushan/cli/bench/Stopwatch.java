package dev.yushan.cli.bench;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;

/// Times a piece of work again and again, when the compiler has come to rest.
///
/// @param repeat how often
/// @param warmUpSeconds how long the compiler must have had nearly nothing to do before; with 0 the
///   work is done once before
record Stopwatch(int repeat, double warmUpSeconds) {
  /// Of the time that passes, what compiler threads may work and still count as at rest.
  private static final double AT_REST = 0.05;

  /// The work is timed after so long even if the compiler is not at rest.
  private static final double LONGEST_WARM_UP_SECONDS = 60;

  private static final CompilationMXBean COMPILER = ManagementFactory.getCompilationMXBean();

  /// The seconds of each repetition of `work`.
  double[] seconds(Runnable work) {
    return seconds(work, work);
  }

  /// The seconds of each repetition of `work`, warmed up by `part`, which runs the same code and
  /// may be shorter.
  double[] seconds(Runnable part, Runnable work) {
    warmUp(part);
    return repeated(work);
  }

  /// The seconds of each repetition of `work`, which is warm.
  double[] repeated(Runnable work) {
    double[] seconds = new double[repeat];
    for (int i = 0; i < repeat; i++) {
      long start = System.nanoTime();
      work.run();
      seconds[i] = (System.nanoTime() - start) * 1e-9;
    }
    return seconds;
  }

  /// Runs `work` until the compiler is at rest.
  void warmUp(Runnable work) {
    double total = 0;
    double quiet = 0;
    do {
      long compiled = COMPILER.getTotalCompilationTime();
      long start = System.nanoTime();
      double passed;
      do {
        work.run();
        passed = (System.nanoTime() - start) * 1e-9;
      } while (passed < warmUpSeconds / 2);
      double compiling = (COMPILER.getTotalCompilationTime() - compiled) * 1e-3;
      quiet = compiling < AT_REST * passed ? quiet + passed : 0;
      total += passed;
    } while (quiet < warmUpSeconds && total < LONGEST_WARM_UP_SECONDS);
  }

  /// Units of work a second: `work` of them in each of `seconds`.
  static double[] rates(double work, double[] seconds) {
    return Arrays.stream(seconds).map(s -> work / s).toArray();
  }
}
