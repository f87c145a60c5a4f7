package dev.yushan.cli;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// The options of every command that computes: on which backend, and how.
public final class BackendChoice {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "Backend to compute on (see 'yushan backends'); default: the best usable one.")
  private Optional<String> backend = Optional.empty();

  private int threads;

  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description = "Device of the backend, under the backend's own name for it.")
  private Optional<String> device = Optional.empty();

  @Option(
      names = "--check-backend",
      description =
          "Look at the results of every op, and name the first that makes a NaN or an infinity, or"
              + " reads memory that nothing was written to. Slow.")
  private boolean check;

  @Option(
      names = "--experimental-cuda",
      description =
          "Have the backend 'tornado' compute products by cuBLAS, on a device of CUDA: faster, but"
              + " the bits of a row may depend on the rows computed with it.")
  private boolean cuda;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "Threads to compute with; 0, the default, for all processors.")
  void threads(int count) {
    if (count < 0) {
      throw new ParameterException(
          command.commandLine(), "--threads %d: must be 0 (all) or more".formatted(count));
    }
    threads = count;
  }

  /// How many threads were asked for; all processors where none were.
  public int threads() {
    return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
  }

  /// Opens the backend; the caller closes it.
  ///
  /// @throws IllegalArgumentException if it cannot be opened as the options say
  public Backend open() {
    return open(backend, threads, device, check, cuda);
  }

  /// The same, with the values of the options.
  ///
  /// @param threads 0 for all processors
  static Backend open(
      Optional<String> backend, int threads, Optional<String> device, boolean check, boolean cuda) {
    Map<String, String> more =
        Map.of(BackendOptions.ASSERTING, "" + check, BackendOptions.EXPERIMENTAL_CUDA, "" + cuda);
    try {
      return Backends.open(backend, new BackendOptions(threads, device, more));
    } catch (BackendException e) {
      // without a wish of the user it is the machine that has something wrong, perhaps not for long
      boolean wished = threads > 0 || device.isPresent() || cuda;
      throw wished ? new IllegalArgumentException(e.getMessage(), e) : e;
    }
  }
}
