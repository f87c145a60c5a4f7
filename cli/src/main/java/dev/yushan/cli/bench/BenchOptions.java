package dev.yushan.cli.bench;

import dev.yushan.io.DurableFiles;
import dev.yushan.model.ModelConfig;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// The options of every measurement: how often, and where the numbers go.
final class BenchOptions {
  /// What no number of tokens, texts or repetitions exceeds: sums and products of them are ints.
  private static final int MOST = 1 << 20;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--repeat",
      paramLabel = "N",
      defaultValue = "5",
      description =
          "Measure N times; the median and the range are shown (default: ${DEFAULT-VALUE}).")
  private int repeat;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      defaultValue = "1",
      description =
          "Begin when the JIT compiler was at rest for so long, after a minute in any case"
              + " (default: ${DEFAULT-VALUE}); 0 runs everything once before.")
  private double warmUp;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the numbers to this file too, as JSON.")
  private Optional<Path> json = Optional.empty();

  private OtherWork others;

  /// Throws if a value will not do: before anything is computed.
  void check() {
    others = new OtherWork();
    requireAtLeast("--repeat", repeat, 1);
    if (!(warmUp >= 0 && warmUp <= 60)) {
      throw wrong("--warm-up %s: must be from 0 to 60 seconds".formatted(warmUp));
    }
    json.ifPresent(BenchOptions::requireWritable);
  }

  private static void requireWritable(Path file) {
    Path parent = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file) || !Files.isDirectory(parent) || !Files.isWritable(parent)) {
      throw new IllegalArgumentException(
          "--json: %s cannot be written; name a file in a directory that is there".formatted(file));
    }
  }

  /// Whether an option was given.
  boolean has(String option) {
    return spec.commandLine().getParseResult().hasMatchedOption(option);
  }

  /// Throws if nothing is left of a list of words that commas separate.
  void requireSome(String option, Collection<?> list) {
    if (list.isEmpty()) {
      throw wrong("%s: is empty; name one at least, or leave it out".formatted(option));
    }
  }

  void requireAtLeast(String option, int value, int least) {
    if (value < least) {
      throw wrong("%s %d: must be %d or more".formatted(option, value, least));
    }
    if (value > MOST) {
      throw wrong("%s %d: must be %d or less".formatted(option, value, MOST));
    }
  }

  /// Throws if the model has no room for a text of so many tokens.
  void requirePositions(String option, int tokens, ModelConfig config) {
    if (tokens > config.maxPositions()) {
      throw wrong(
          "%s: a text of %d tokens, but the model has max_position_embeddings = %d; give less"
              .formatted(option, tokens, config.maxPositions()));
    }
  }

  ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  Stopwatch stopwatch() {
    return new Stopwatch(repeat, warmUp);
  }

  int repeat() {
    return repeat;
  }

  /// Tells on the way what was measured: the report comes at the end only.
  Measurement measured(Measurement measurement) {
    String what =
        measurement.what().entrySet().stream()
            .map(column -> column.getKey() + " " + column.getValue())
            .collect(Collectors.joining(", "));
    PrintWriter err = spec.commandLine().getErr();
    err.printf(Locale.ROOT, "%s: %.3g %s%n", what, measurement.median(), measurement.unit());
    err.flush();
    return measurement;
  }

  /// Prints a line below the report.
  void say(String line) {
    spec.commandLine().getOut().println(line);
  }

  /// Prints the report, and writes it to the file of `--json`.
  void finish(BenchReport report) {
    double busy = others.processors();
    report.print(spec.commandLine().getOut(), busy);
    json.ifPresent(
        file ->
            DurableFiles.write(file.toAbsolutePath(), report.json(spec.name(), stopwatch(), busy)));
  }
}
