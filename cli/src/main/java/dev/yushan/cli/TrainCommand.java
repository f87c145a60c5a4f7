package dev.yushan.cli;

import dev.yushan.backend.Backend;
import dev.yushan.train.Progress;
import dev.yushan.train.ProgressLine;
import dev.yushan.train.Replay;
import dev.yushan.train.StopRequest;
import dev.yushan.train.TrainingConfig;
import dev.yushan.train.TrainingEstimate;
import dev.yushan.train.TrainingListener;
import dev.yushan.train.TrainingRun;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// `yushan train`: continued pre-training as a YAML file describes it.
@Command(
    name = "train",
    description = "Train a model as a YAML file says, in the key names of LLaMA-Factory.",
    footer = {
      "%nAll keys are in docs/reference/config.md. SIGINT (Ctrl-C) or SIGTERM ends a run after the",
      "step under way, with a checkpoint; a second one ends it at once. A run that was stopped"
          + " goes",
      "on with",
      "  yushan train CONFIG.yaml --set resume_from_checkpoint=true"
    })
final class TrainCommand implements Callable<Integer> {
  private static final int USUAL_COLUMNS = 80;

  @Parameters(
      paramLabel = "CONFIG.yaml",
      arity = "0..1",
      description = "The training configuration.")
  private Optional<Path> file = Optional.empty();

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Set a key in place of what the file says; may be given several times.")
  private Map<String, String> settings = new LinkedHashMap<>();

  @Option(
      names = "--estimate",
      description =
          "Only say what the run would take: memory and disk, and by some steps the time. Exit 1"
              + " if it cannot fit.")
  private boolean estimate;

  @Option(names = "--backend", paramLabel = "NAME", description = "Short for --set backend=NAME.")
  private Optional<String> backend = Optional.empty();

  @Option(names = "--threads", paramLabel = "N", description = "Short for --set threads=N.")
  private Optional<Integer> threads = Optional.empty();

  @Option(names = "--device", paramLabel = "DEVICE", description = "Short for --set device=DEVICE.")
  private Optional<String> device = Optional.empty();

  @Option(names = "--check-backend", description = "Short for --set check_backend=true.")
  private boolean check;

  @Option(names = "--experimental-cuda", description = "Short for --set experimental_cuda=true.")
  private boolean cuda;

  @Option(
      names = "--max-time",
      paramLabel = "TIME",
      converter = TimeSpan.class,
      description =
          "Save and end in order before this time has passed since the start, for example 8h, 90m"
              + " or 1h30m. If it has passed before the first step, none is taken.")
  private Optional<Duration> maxTime = Optional.empty();

  @Option(
      names = "--replay",
      paramLabel = "DIR",
      description =
          "In place of training run a step again that ended a run: a directory failed-step-N in its"
              + " output_dir, or a file in it.")
  private Optional<Path> replay = Optional.empty();

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (replay.isPresent() == file.isPresent()) {
      throw new ParameterException(
          spec.commandLine(), "name a configuration to train, or a failed step with --replay");
    }
    return replay.map(this::replay).orElseGet(() -> train(file.orElseThrow()));
  }

  private int replay(Path directory) {
    if (estimate || maxTime.isPresent() || !settings.isEmpty()) {
      throw new ParameterException(
          spec.commandLine(),
          "--replay takes a step as it was: leave out --set, --estimate and --max-time");
    }
    try (Backend opened = BackendChoice.open(backend, threads.orElse(0), device, check, cuda)) {
      Replay.run(opened, directory, System.out::println);
    }
    return 0;
  }

  private int train(Path yaml) {
    backend.ifPresent(value -> settings.put("backend", value));
    threads.ifPresent(count -> settings.put("threads", String.valueOf(count)));
    device.ifPresent(value -> settings.put("device", value));
    if (check) {
      settings.put("check_backend", "true");
    }
    if (cuda) {
      settings.put("experimental_cuda", "true");
    }
    TrainingConfig config = TrainingConfig.read(yaml, settings);
    return estimate ? estimate(config) : train(yaml, config);
  }

  private int train(Path yaml, TrainingConfig config) {
    StopRequest stop =
        maxTime
            .map(limit -> new StopRequest(limit.minus(uptime()), "--max-time"))
            .orElseGet(StopRequest::new);
    ProgressLine line = progressLine();
    try (Signals signals = new Signals(stop, System.out)) {
      System.out.println(config.toYaml());
      Farewell farewell = new Farewell(config.text("output_dir"), resumption(yaml));
      TrainingRun.run(config, TrainingListener.all(signals, line, stop, farewell));
      System.out.println(farewell.text);
    }
    return 0;
  }

  /// The command that continues this run: the same, settings and all.
  private String resumption(Path yaml) {
    Map<String, String> all = new LinkedHashMap<>(settings);
    all.put("resume_from_checkpoint", "true");
    String words =
        all.entrySet().stream()
            .map(set -> " --set " + quoted(set.getKey() + "=" + set.getValue()))
            .collect(Collectors.joining());
    return quoted(Yushan.called()) + " train " + quoted(yaml.toString()) + words;
  }

  /// As a POSIX shell takes it for one word.
  private static String quoted(String word) {
    return word.matches("[\\p{IsAlphabetic}\\p{IsDigit}_@%+=:,./-]+")
        ? word
        : "'" + word.replace("'", "'\\''") + "'";
  }

  private static int estimate(TrainingConfig config) {
    System.out.println(config.toYaml());
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

  private static Duration uptime() {
    return Duration.ofMillis(ManagementFactory.getRuntimeMXBean().getUptime());
  }

  /// The last line: done, or how to go on.
  private static final class Farewell implements TrainingListener {
    private final String outputDir;
    private final String resumption;
    private String text = "";

    Farewell(String outputDir, String resumption) {
      this.outputDir = outputDir;
      this.resumption = resumption;
    }

    @Override
    public void stopped(String why, Progress progress) {
      text =
          "stopped after step %d (%s), saved %s/checkpoint-%d; it goes on with%n  %s"
              .formatted(progress.steps(), why, outputDir, progress.steps(), resumption);
    }

    @Override
    public void finished(Progress progress) {
      text =
          "done after %d steps%s: %s"
              .formatted(
                  progress.steps(),
                  progress.skipped() > 0
                      ? ", of which %d were left out as spikes".formatted(progress.skipped())
                      : "",
                  outputDir);
    }
  }

  /// A time such as `1h30m`: days, hours, minutes, seconds.
  static final class TimeSpan implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      String iso = text.strip().toUpperCase(Locale.ROOT).replaceFirst("^(\\d+D)?", "P$1T");
      try {
        Duration time = Duration.parse(iso.replaceFirst("T$", ""));
        if (!time.isNegative()) {
          return time;
        }
      } catch (DateTimeParseException e) {
        // said below
      }
      throw new TypeConversionException(
          "'%s' is no time; write for example 8h, 90m or 1d12h".formatted(text));
    }
  }

  /// The line that shows how a run goes, on standard output.
  static ProgressLine progressLine() {
    boolean terminal = Terminal.OUTPUT.isThere();
    return new ProgressLine(System.out, terminal, terminal ? columns() : USUAL_COLUMNS);
  }

  /// Characters in a line of the terminal; the JDK has no way to ask.
  private static int columns() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/tty").toFile()))
              .start();
      String size = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      int columns = Integer.parseInt(size.strip().split(" ")[1]);
      return columns > 0 ? columns : USUAL_COLUMNS; // 0 where nobody has told the terminal
    } catch (IOException | NumberFormatException | ArrayIndexOutOfBoundsException e) {
      return USUAL_COLUMNS;
    }
  }
}
