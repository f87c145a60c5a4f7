package dev.yushan.backend.cpu;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.testkit.Check;
import dev.yushan.backend.testkit.Trial;
import java.util.ArrayList;
import java.util.List;

/// Hashes of what the backend computes in every check of the conformance kit. As a program it
/// prints them, so that processes with vectors of different widths can be compared: the width is
/// chosen once in a process.
final class Digests {
  private static final long SEED = 1950;

  private Digests() {}

  static List<String> all() {
    List<String> digests = new ArrayList<>();
    BackendOptions options = BackendOptions.defaults().withThreads(2);
    try (Backend backend = new CpuBackendProvider().open(options)) {
      for (Check check : Check.all()) {
        try (Trial trial = new Trial(backend, SEED)) {
          check.body().accept(trial);
          digests.add(check + " " + Long.toHexString(trial.digest()));
        }
      }
    }
    return digests;
  }

  public static void main(String[] args) {
    System.out.println("width " + Lanes.F32.vectorBitSize());
    all().forEach(System.out::println);
  }
}
