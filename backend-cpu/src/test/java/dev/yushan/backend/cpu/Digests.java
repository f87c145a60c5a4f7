package dev.yushan.backend.cpu;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.testkit.Check;
import dev.yushan.backend.testkit.Trial;

/// Runs every check of the conformance kit and prints a hash of its results, one line each. A
/// process of its own for each vector width, since the width is chosen once in a process.
final class Digests {
  private static final long SEED = 1950;

  private Digests() {}

  public static void main(String[] args) {
    System.out.println("width " + Lanes.F32.vectorBitSize());
    BackendOptions options = BackendOptions.defaults().withThreads(2);
    try (Backend backend = new CpuBackendProvider().open(options)) {
      for (Check check : Check.all()) {
        try (Trial trial = new Trial(backend, SEED)) {
          check.body().accept(trial);
          System.out.println(check + " " + Long.toHexString(trial.digest()));
        }
      }
    }
    System.out.println("done");
  }
}
