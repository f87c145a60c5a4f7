package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import dev.yushan.cli.BackendChoice;
import dev.yushan.train.ProcessMemory;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiFunction;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// The options of what is measured on a model: of which shape, and on which backend.
final class ModelOptions {
  private static final List<String> SHAPES = List.of("15m", "110m", "1b", "3b");

  @Mixin private BackendChoice backendChoice;

  @Option(
      names = "--shape",
      paramLabel = "NAME",
      description =
          "Shape of the model, whose weights are random: 15m (hidden size 288, 6 layers), 110m"
              + " (768, 12 layers), both with 32,000 ids, 1b or 3b (those of Llama 3.2); default:"
              + " 15m.")
  private Optional<String> shape = Optional.empty();

  @Option(
      names = "--model",
      paramLabel = "PATH",
      description =
          "Take the shape of this model, a directory or a config.json, in the place of --shape; its"
              + " weights are not read.")
  private Optional<Path> model = Optional.empty();

  /// Measures on the backend that was chosen, then what its device can do at most, and reports.
  int run(BenchOptions options, BiFunction<Backend, BenchModel, List<Measurement>> measure) {
    return run(options, new ProfileOption(), measure);
  }

  /// The same with `--profile`.
  int run(
      BenchOptions options,
      ProfileOption profile,
      BiFunction<Backend, BenchModel, List<Measurement>> measure) {
    options.check();
    BenchModel chosen = chosen(options);
    try (Backend opened = backendChoice.open()) {
      Backend backend = profile.around(opened, options);
      List<Measurement> measured = measure.apply(backend, chosen);
      // before the limits, which take memory of their own
      OptionalLong peak = ProcessMemory.peak();
      options.finish(
          new BenchReport(
              Optional.of(
                  new BenchReport.Setting(
                      chosen.name(),
                      chosen.config().parameters(),
                      backend.name(),
                      backend.description())),
              backendChoice.threads(),
              backend.measureLimits(),
              peak,
              measured,
              profile.ops()));
    }
    return 0;
  }

  /// That compute.
  int threads() {
    return backendChoice.threads();
  }

  private BenchModel chosen(BenchOptions options) {
    if (shape.isPresent() && model.isPresent()) {
      throw options.wrong("--shape and --model both name a shape; leave one of them out");
    }
    String name = shape.orElse(SHAPES.getFirst());
    if (!SHAPES.contains(name)) {
      throw options.wrong(
          "--shape %s: there is none of this name; choose one of %s, or name a config.json by --model"
              .formatted(name, String.join(", ", SHAPES)));
    }
    BenchModel chosen = model.map(BenchModel::of).orElseGet(() -> BenchModel.builtIn(name));
    chosen.config(); // a shape that is wrong is refused before a backend is opened
    return chosen;
  }
}
