package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/// `--profile` of measurements on a whole model, and what came of it.
final class ProfileOption {
  @Option(
      names = "--profile",
      description =
          "Say what each op takes, in one more repetition with a clock around it; for backends that"
              + " compute on the host.")
  private boolean profile;

  private final List<OpClock.OpTime> ops = new ArrayList<>();

  /// The backend, with a clock around its ops if the option is given.
  Backend around(Backend backend, BenchOptions options) {
    if (!profile) {
      return backend;
    }
    if (!backend.usesHostMemory()) {
      throw options.wrong(
          "--profile: the %s backend computes on a device while the host goes on, so that a clock on the host says nothing; leave it out, and see yushan bench kernels"
              .formatted(backend.name()));
    }
    return new OpClock(backend);
  }

  /// Does the work once more, if the option is given.
  ///
  /// @param backend that [#around] gave
  /// @param of what the work is called in the report
  void measure(Backend backend, String of, Runnable work) {
    if (backend instanceof OpClock clock) {
      ops.addAll(clock.measure(of, work));
    }
  }

  List<OpClock.OpTime> ops() {
    return ops;
  }
}
