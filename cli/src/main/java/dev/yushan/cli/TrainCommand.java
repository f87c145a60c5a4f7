package dev.yushan.cli;

import dev.yushan.train.Progress;
import dev.yushan.train.ProgressLine;
import dev.yushan.train.TrainingConfig;
import dev.yushan.train.TrainingEstimate;
import dev.yushan.train.TrainingRun;
import java.io.Console;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `yushan train`: continued pre-training as a YAML file describes it.
@Command(
    name = "train",
    description = "Train a model as a YAML file says, in the key names of LLaMA-Factory.",
    footer = {
      "%nAll keys are in docs/reference/config.md. A run that was stopped goes on with",
      "  yushan train CONFIG.yaml --set resume_from_checkpoint=true"
    })
final class TrainCommand implements Callable<Integer> {
  @Parameters(paramLabel = "CONFIG.yaml", description = "The training configuration.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Set a key in place of what the file says; may be given several times.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(
      names = "--estimate",
      description =
          "Only say what the run would take: memory and disk, and by three steps the time. Exit 1"
              + " if it cannot fit.")
  private boolean estimate;

  @Option(names = "--backend", paramLabel = "NAME", description = "Short for --set backend=NAME.")
  private Optional<String> backend = Optional.empty();

  @Option(names = "--threads", paramLabel = "N", description = "Short for --set threads=N.")
  private Optional<String> threads = Optional.empty();

  @Option(names = "--device", paramLabel = "DEVICE", description = "Short for --set device=DEVICE.")
  private Optional<String> device = Optional.empty();

  @Override
  public Integer call() {
    backend.ifPresent(value -> settings.put("backend", value));
    threads.ifPresent(value -> settings.put("threads", value));
    device.ifPresent(value -> settings.put("device", value));
    TrainingConfig config = TrainingConfig.read(file, settings);
    System.out.println(config.toYaml());
    if (estimate) {
      return estimate(config);
    }
    Progress end = TrainingRun.run(config, new ProgressLine(System.out, atTerminal()));
    System.out.printf("done after %d steps: %s%n", end.steps(), config.text("output_dir"));
    return 0;
  }

  private static int estimate(TrainingConfig config) {
    TrainingEstimate estimate = TrainingEstimate.of(config);
    System.out.println(estimate.tables());
    estimate
        .time()
        .ifPresent(
            time -> {
              System.out.println("time\n  " + time);
              time.peakRss()
                  .ifPresent(
                      bytes ->
                          System.out.printf(
                              Locale.ROOT,
                              "  peak RSS of these steps %.2f GiB%n",
                              bytes / (double) (1L << 30)));
            });
    estimate.refusal().ifPresent(why -> System.err.println("yushan: " + why));
    return estimate.refusal().isPresent() ? 1 : 0;
  }

  static boolean atTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }
}
