package dev.yushan.cli.bench;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `yushan bench`: measures speed, a sub-command for each kind of work.
@Command(
    name = "bench",
    description =
        "Measure how fast this machine trains, reads prompts, generates, serves, and encodes text.",
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "%nEach command prints a table, and with --json writes the same for programs: medians and"
          + " ranges, beside what the device can do at most. How each number is measured is said in"
          + " docs/reference/performance.md."
    },
    subcommands = {
      KernelBench.class,
      TrainBench.class,
      PrefillBench.class,
      DecodeBench.class,
      ServeMixBench.class,
      TokenizeBench.class
    })
public final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "say what to measure: kernels, train, prefill, decode, serve-mix or tokenize");
  }
}
