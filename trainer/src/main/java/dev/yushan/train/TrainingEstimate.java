package dev.yushan.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerProvider;
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
  private static final int PROBE_STEPS = 3;

  public TrainingEstimate {
    if (refusal.isPresent() == time.isPresent()) {
      throw new IllegalArgumentException("a run that fits has a time, another has none");
    }
  }

  /// @param steps of the whole run
  /// @param tokensPerStep on average, in the probe
  /// @param secondsPerStep of the probe, its first step left out, during which kernels are compiled
  /// @param peakRss bytes, of the probe; empty where the system does not say
  public record Time(
      long steps, double tokensPerStep, double secondsPerStep, Optional<Long> peakRss) {
    /// Seconds of all steps; evaluation and checkpoints come on top.
    public double seconds() {
      return steps * secondsPerStep;
    }

    /// For example `2,770 steps of 6.40 M tokens …`.
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%,d steps of %,.0f tokens, %.2f s each: %,.0f tokens/s; %s in all, evaluation and"
              + " checkpoints not counted",
          steps,
          tokensPerStep,
          secondsPerStep,
          tokensPerStep / Math.max(1e-9, secondsPerStep),
          TrainingLog.clock(seconds()));
    }
  }

  /// The estimate on the backend that the configuration names.
  public static TrainingEstimate of(TrainingConfig config) {
    BackendOptions options =
        new BackendOptions(config.count("threads"), config.find("device"), Map.of());
    try (Backend backend = Backends.open(config.find("backend"), options)) {
      return of(config, backend);
    }
  }

  /// The estimate on `backend`.
  ///
  /// @throws ConfigException for a configuration that cannot be followed
  public static TrainingEstimate of(TrainingConfig config, Backend backend) {
    Path base = Path.of(config.text("model_name_or_path"));
    ObjectNode configJson = Models.configJson(base);
    ModelConfig shape = Models.config(configJson);
    OptimizerProvider provider = TrainingRun.optimizer(config);
    TrainerConfig.of(config);
    TrainingRun.requireWeights(config, base);
    try (TrainingData data = TrainingData.open(config, shape)) {
      TrainingForecast forecast =
          TrainingForecast.of(
              config,
              backend,
              configJson,
              provider,
              TrainingRun.saveType(config, configJson),
              data,
              OptionalInt.empty());
      String tables = forecast.tables();
      return forecast.refusal().isPresent()
          ? new TrainingEstimate(tables, forecast.refusal(), Optional.empty())
          : new TrainingEstimate(
              tables,
              Optional.empty(),
              Optional.of(probe(forecast.config(), backend, configJson, provider, data)));
    }
  }

  private static Time probe(
      TrainingConfig config,
      Backend backend,
      ObjectNode configJson,
      OptimizerProvider provider,
      TrainingData data) {
    MicroBatches batches = MicroBatches.of(data.loader(config.count(MemoryChoices.BATCH)));
    TrainerConfig whole = TrainerConfig.of(config);
    StepPlan plan =
        StepPlan.of(batches.perEpoch(), whole.accumulation(), whole.epochs(), whole.maxSteps());
    long probed = Math.min(PROBE_STEPS, plan.totalSteps());
    TrainerConfig few =
        TrainerConfig.of(
            config.with(
                Map.of(
                    "max_steps", Long.toString(Math.max(1, probed)),
                    "eval_strategy", "no",
                    "eval_on_start", "false",
                    "do_eval", "false",
                    "save_strategy", "no",
                    "logging_strategy", "no"),
                "probe"));
    Clock clock = new Clock();
    Path base = Path.of(config.text("model_name_or_path"));
    try (CausalLM model = TrainingRun.model(backend, config, configJson, base, Optional.empty());
        Optimizer optimizer =
            provider.create(backend, model.parameters(), TrainingRun.optimizerConfig(config))) {
      Progress end =
          new Trainer(backend, model, optimizer, batches, List.of(), few)
              .train(Progress.START, clock);
      return new Time(
          plan.totalSteps(),
          (double) end.tokens() / end.steps(),
          clock.secondsPerStep(),
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

    double secondsPerStep() {
      int from = nanos.size() > 2 ? 1 : 0;
      return (nanos.getLast() - nanos.get(from)) * 1e-9 / (nanos.size() - 1 - from);
    }
  }
}
