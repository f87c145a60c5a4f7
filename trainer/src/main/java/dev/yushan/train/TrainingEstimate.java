package dev.yushan.train;

import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.optim.Optimizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// What a run would take, without making it: memory and disk as they are forecast, and the time by
/// a few real steps, of which nothing is kept. Data that is not tokenised yet is, since all figures
/// depend on it; the run itself then finds it in the cache.
///
/// @param tables memory and disk, with the figures of the machine
/// @param refusal why the run cannot fit and what would help
/// @param time of the run, if it fits
public record TrainingEstimate(String tables, Optional<String> refusal, Optional<Time> time) {
  /// Small steps get faster for a while, since their kernels are compiled as they run: steps are
  /// taken until two agree, but not for longer than this, and at least three.
  private static final double PROBE_SECONDS = 10;

  private static final int LEAST_STEPS = 3;
  private static final double AGREEMENT = 0.1;

  public TrainingEstimate {
    if (refusal.isPresent() == time.isPresent()) {
      throw new IllegalArgumentException("a run that fits has a time, another has none");
    }
  }

  /// @param steps still to take
  /// @param taken steps that the run has behind it
  /// @param tokensPerStep on average, in the probe
  /// @param secondsPerStep mean of the last two steps of the probe
  /// @param settled whether these two agreed; if not a step is likely to take less in the run
  /// @param peakRss bytes, of the probe; empty where the system does not say
  public record Time(
      long steps,
      long taken,
      double tokensPerStep,
      double secondsPerStep,
      boolean settled,
      Optional<Long> peakRss) {
    /// Seconds of all steps; evaluation and checkpoints come on top.
    public double seconds() {
      return steps * secondsPerStep;
    }

    /// For example `2,770 steps of 6.40 M tokens …`.
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%,d%s steps of %,.0f tokens, %s%.2f s each: %,.0f tokens/s; %s in all, evaluation and"
              + " checkpoints not counted%s",
          steps,
          taken == 0 ? "" : String.format(Locale.ROOT, " more (after %,d)", taken),
          tokensPerStep,
          settled ? "" : "at most ",
          secondsPerStep,
          tokensPerStep / Math.max(1e-9, secondsPerStep),
          TrainingLog.clock(seconds()),
          settled ? "" : "; steps were still getting faster or slower after the probe");
    }
  }

  /// The estimate on the backend that the configuration names.
  public static TrainingEstimate of(TrainingConfig config) {
    try (Backend backend = config.openBackend()) {
      return of(config, backend);
    }
  }

  /// The estimate on `backend`.
  ///
  /// @throws ConfigException for a configuration that cannot be followed
  public static TrainingEstimate of(TrainingConfig config, Backend backend) {
    TrainingJob asked = TrainingJob.of(config, backend);
    var checkpoints = new Checkpoints(Path.of(config.text("output_dir")), OptionalInt.empty());
    Optional<Path> resume = checkpoints.resumePoint(config);
    TrainingJob job = resume.map(asked::continued).orElse(asked);
    OptionalInt existing =
        resume.isPresent() ? OptionalInt.of(checkpoints.all().size()) : OptionalInt.empty();
    long taken = resume.map(point -> ResumeState.read(point).progress().steps()).orElse(0L);
    try (TrainingData data = job.openData()) {
      TrainingForecast forecast = job.forecast(data, existing);
      return new TrainingEstimate(
          forecast.tables(),
          forecast.refusal(),
          forecast.refusal().isPresent()
              ? Optional.empty()
              : Optional.of(probe(job.with(forecast.config()), data, taken)));
    }
  }

  private static Time probe(TrainingJob job, TrainingData data, long taken) {
    TrainingConfig config = job.config();
    MicroBatches batches = job.batches(data);
    TrainerConfig whole = TrainerConfig.of(config);
    StepPlan plan =
        StepPlan.of(batches.perEpoch(), whole.accumulation(), whole.epochs(), whole.maxSteps());
    TrainerConfig few =
        TrainerConfig.of(
            config.with(
                Map.of(
                    "max_steps", Long.toString(Math.max(1, plan.totalSteps())),
                    "eval_strategy", "no",
                    "eval_on_start", "false",
                    "do_eval", "false",
                    "save_strategy", "no",
                    "logging_strategy", "no"),
                "probe"));
    Clock clock = new Clock();
    try (CausalLM model = job.model(Optional.empty());
        Optimizer optimizer = job.optimizer(model)) {
      Progress end =
          new Trainer(job.backend(), model, optimizer, batches, List.of(), few)
              .train(Progress.START, clock);
      return new Time(
          plan.totalSteps() - taken,
          taken,
          (double) end.tokens() / end.steps(),
          clock.secondsPerStep(),
          clock.settled(),
          ProcessMemory.peak().stream().boxed().findFirst());
    }
  }

  /// When each step was done.
  private static final class Clock implements TrainingListener {
    private final List<Long> nanos = new ArrayList<>();

    @Override
    public void started(StepPlan plan, Progress progress) {
      nanos.add(System.nanoTime());
    }

    @Override
    public void stepped(StepReport step, Progress progress) {
      nanos.add(System.nanoTime());
    }

    /// The last steps, the first one of all left out unless it is alone.
    double secondsPerStep() {
      int from = Math.max(nanos.size() > 2 ? 1 : 0, nanos.size() - 3);
      return (nanos.getLast() - nanos.get(from)) * 1e-9 / (nanos.size() - 1 - from);
    }

    boolean settled() {
      int last = nanos.size() - 1;
      if (last < LEAST_STEPS) {
        return false;
      }
      double now = nanos.get(last) - nanos.get(last - 1);
      double before = nanos.get(last - 1) - nanos.get(last - 2);
      return Math.abs(now - before) <= AGREEMENT * before;
    }

    @Override
    public Optional<String> stop(Progress progress) {
      boolean tooLong = (nanos.getLast() - nanos.getFirst()) * 1e-9 > PROBE_SECONDS;
      return progress.steps() >= LEAST_STEPS && (settled() || tooLong)
          ? Optional.of("probe")
          : Optional.empty();
    }
  }
}
