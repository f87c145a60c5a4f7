package dev.yushan.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Owned;
import dev.yushan.data.TokenLedger;
import dev.yushan.io.ByteSize;
import dev.yushan.io.DurableFiles;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.optim.Optimizer;
import dev.yushan.report.LossPlot;
import dev.yushan.report.Reports;
import dev.yushan.tensor.DType;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A run from configuration to model: opens data, model and output directory, trains, and leaves
/// behind what users of `Trainer` expect to find.
///
/// ```java
/// TrainingRun.run(TrainingConfig.read(Path.of("cpt.yaml"), Map.of()), new TrainingListener() {});
/// ```
public final class TrainingRun {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingRun.class);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final TrainingJob job;
  private final TrainingConfig config;
  private final OutputDirectory output;
  private final TrainingData data;
  private final ModelState state;
  private final TrainingForecast forecast;
  private final Tally tally;
  private final TrainingLog log;

  private TrainingRun(
      TrainingJob job,
      OutputDirectory output,
      TrainingData data,
      ModelState state,
      TrainingForecast forecast) {
    this.job = job;
    this.config = job.config();
    this.output = output;
    this.data = data;
    this.state = state;
    this.forecast = forecast;
    this.tally = new Tally(data.sourceNames());
    this.log = new TrainingLog(output.path(), config, tally);
  }

  /// Runs on the backend that the configuration names; returns where the run ended, which is before
  /// its last step if [TrainingListener#stop] said so.
  public static Progress run(TrainingConfig config, TrainingListener listener) {
    try (Backend backend = config.openBackend()) {
      return run(config, backend, listener);
    }
  }

  /// Runs on `backend`; returns where the run ended.
  ///
  /// @throws ConfigException for a configuration that cannot be followed
  /// @throws TrainingException if training cannot go on
  public static Progress run(TrainingConfig config, Backend backend, TrainingListener listener) {
    config.notices().forEach(LOG::warn);
    TrainingJob asked = TrainingJob.of(config, backend);
    OutputDirectory.requireApart(asked.config());
    try (OutputDirectory output = OutputDirectory.open(config)) {
      output.requireFree(config);
      Optional<Path> resume = output.checkpoints().resumePoint(config);
      if (resume.isEmpty() && config.text("resume_from_checkpoint").equals("true")) {
        LOG.warn("resume_from_checkpoint: no checkpoint in {}: begins at step 0", output.path());
      }
      TrainingJob job = resume.map(asked::continued).orElse(asked);
      try (TrainingData data = job.openData()) {
        LOG.info("training data:\n{}", data.ledger());
        warnOfLoss(data.ledger());
        OptionalInt checkpoints =
            resume.isPresent()
                ? OptionalInt.of(output.checkpoints().all().size())
                : OptionalInt.empty();
        TrainingForecast forecast = job.forecast(data, checkpoints);
        LOG.info("forecast:\n{}", forecast.tables());
        forecast.requireFit();
        return run(job.with(forecast.config()), output, data, forecast, resume, listener);
      }
    }
  }

  /// Whoever loses most of the data should not find that in a table alone.
  private static void warnOfLoss(TokenLedger ledger) {
    if (ledger.droppedTokenShare() > 0.5) {
      LOG.warn(
          "{} of the tokens are dropped with documents longer than cutoff_len; raise it, or set"
              + " on_excess: split to keep them",
          String.format(Locale.ROOT, "%.0f %%", 100 * ledger.droppedTokenShare()));
    }
  }

  private static Progress run(
      TrainingJob job,
      OutputDirectory output,
      TrainingData data,
      TrainingForecast forecast,
      Optional<Path> resume,
      TrainingListener listener) {
    try (CausalLM model = job.model(resume);
        Optimizer optimizer = job.optimizer(model)) {
      Trainer trainer =
          new Trainer(
              job.backend(),
              model,
              optimizer,
              job.batches(data),
              data.evaluations(job.config().count(MemoryChoices.EVAL_BATCH)),
              TrainerConfig.of(job.config()));
      return new TrainingRun(job, output, data, job.state(model, optimizer), forecast)
          .train(trainer, resume, listener);
    }
  }

  private Progress train(Trainer trainer, Optional<Path> resume, TrainingListener listener) {
    Progress start = resume.map(this::resume).orElse(Progress.START);
    if (resume.isEmpty() || !OutputDirectory.resumes(config)) {
      output.prepareNewRun(config);
    } else if (start.completes(trainer.plan()) && output.finished()) {
      nothingLeft(start, listener);
      return start;
    }
    DurableFiles.write(output.path().resolve("training_config.yaml"), config.toYaml());
    Results.write(output.path().resolve("token_ledger.json"), data.ledger().toJson());
    RunFacts facts = RunFacts.begin(output.path(), config, state, data, forecast, start);
    Writer writer = new Writer(trainer.plan());
    try (Owned open = new Owned()) {
      Optional<TensorBoardLog> board =
          TensorBoardLog.open(output.path(), config, state.configJson(), start).map(open::add);
      board.ifPresent(events -> log.alsoTo(events::entry));
      List<TrainingListener> listeners = new ArrayList<>(List.of(tally, log));
      Samples.of(output.path(), config, state, job.tokenizer().tokenizer(), board, start)
          .ifPresent(listeners::add);
      listeners.addAll(List.of(listener, writer));
      Progress end = train(trainer, start, new Listeners(listeners), writer, facts);
      if (end.completes(trainer.plan())) {
        finish(trainer.plan(), start, end, facts);
        Reports.afterRun(output.path());
      } else {
        facts.end(end, writer.why);
        writeRecord(end);
      }
      return end;
    }
  }

  /// For a run that came to its end before: its results stay as they are.
  private void nothingLeft(Progress end, TrainingListener listener) {
    LOG.info(
        "{} holds all {} steps and their results: nothing is left to do; train longer in another"
            + " output_dir, or replace it with resume_from_checkpoint: false and"
            + " overwrite_output_dir: true",
        output.path(),
        end.steps());
    Reports.afterRun(output.path());
    listener.finished(end);
  }

  private Progress train(
      Trainer trainer, Progress start, TrainingListener listener, Writer writer, RunFacts facts) {
    try {
      return trainer.train(start, listener);
    } catch (StepException e) {
      e.spike().ifPresent(spike -> log.spike(spike, e.before()));
      String why =
          e.sound() ? "on_spike: " + config.text("on_spike") : "a value that is not finite";
      if (e.sound()) {
        writer.stopped(why, e.before());
      }
      facts.end(e.before(), Optional.of(why));
      writeRecord(e.before());
      throw new TrainingException(e.getMessage() + (e.sound() ? "" : base()) + keep(e), e);
    }
  }

  /// What a new run could begin from: this one cannot go on with another learning rate.
  private String base() {
    List<Path> all = output.checkpoints().all();
    return all.isEmpty()
        ? "; there is no checkpoint"
        : "; it can begin, in another output_dir, with model_name_or_path: %s"
            .formatted(all.getLast());
  }

  /// Keeps the step with the weights before it for a replay, if there is room; returns what to say
  /// of it.
  private String keep(StepException failure) {
    FailedStep step = FailedStep.of(failure, TrainerConfig.of(config));
    Path directory = step.directory(output.path());
    String found =
        Replay.firstNotFinite(job.backend(), state.model().parameters())
            .map(tensor -> "; " + tensor)
            .orElse("");
    try {
      DurableFiles.writeDirectory(
          directory,
          draft -> {
            step.write(draft);
            state.saveModel(draft, DType.F32);
          });
      return "%s; yushan train --replay %s runs this step again".formatted(found, directory);
    } catch (UncheckedIOException e) {
      LOG.warn("the step is not kept for a replay", e);
      return found;
    }
  }

  /// Continues from a checkpoint: its tensors are loaded, its record is taken up.
  private Progress resume(Path checkpoint) {
    ResumeState before = ResumeState.read(checkpoint);
    before.requireSameData(data, checkpoint);
    state.loadOptimizer(checkpoint, before.progress().steps() - before.progress().skipped());
    log.resume(checkpoint, before.progress().steps());
    LOG.info("continuing after step {} from {}", before.progress().steps(), checkpoint);
    return before.progress();
  }

  /// Writes checkpoints.
  private final class Writer implements TrainingListener {
    private final StepPlan plan;
    private Optional<String> why = Optional.empty();
    private long saved = -1;

    Writer(StepPlan plan) {
      this.plan = plan;
    }

    @Override
    public void checkpoint(Progress progress) {
      save(progress, !config.flag("save_only_model"));
    }

    /// A run that ends early is to be continued, so its optimizer is always saved.
    @Override
    public void stopped(String reason, Progress progress) {
      why = Optional.of(reason);
      if (saved < progress.steps() || config.flag("save_only_model")) {
        save(progress, true);
      }
    }

    private void save(Progress progress, boolean withOptimizer) {
      Path written =
          output
              .checkpoints()
              .save(
                  progress.steps(),
                  directory -> {
                    state.saveModel(directory, DType.F32);
                    if (withOptimizer) {
                      state.saveOptimizer(directory);
                    }
                    log.writeState(directory, progress);
                    ResumeState.of(progress, data, config).write(directory, plan);
                    DurableFiles.write(directory.resolve("training_config.yaml"), config.toYaml());
                  });
      saved = progress.steps();
      LOG.info("saved {}", written);
    }
  }

  /// Writes the model and the results of the whole run.
  private void finish(StepPlan plan, Progress start, Progress end, RunFacts facts) {
    double seconds = log.seconds();
    double epochs = plan.epochsAfter(end.steps());
    double rows = (epochs - plan.epochsAfter(start.steps())) * data.rows();
    state.saveModel(output.path(), job.saveType());
    ObjectNode training = work(end.tokens());
    training.setAll(Results.training(end, end.steps() - start.steps(), rows, seconds));
    draw(); // before the peak of memory is read, which it may be
    reportMemory(training);
    log.summary(end, training);
    ObjectNode common = JSON.createObjectNode().put("epoch", epochs);
    common.put("num_input_tokens_seen", end.tokens());
    ObjectNode evaluation = log.lastEvaluation();
    Path directory = output.path();
    Results.write(directory.resolve("train_results.json"), common, training);
    if (!evaluation.isEmpty()) {
      Results.write(directory.resolve("eval_results.json"), common, evaluation);
    }
    facts.end(end, Optional.empty());
    log.writeState(directory, end);
    // last: a run that has it is done, and is not taken up again
    Results.write(directory.resolve(OutputDirectory.ALL_RESULTS), common, training, evaluation);
  }

  private void writeRecord(Progress end) {
    log.writeState(output.path(), end);
    draw();
  }

  private void draw() {
    if (config.flag("plot_loss")) {
      LossPlot.draw(log.history(), output.path());
    }
  }

  /// Puts the peak of the process beside what was forecast.
  private void reportMemory(ObjectNode training) {
    HostForecast.noteCompiled();
    long expected = forecast.residentBytes();
    training.put("memory_forecast_bytes", expected);
    OptionalLong peak = ProcessMemory.peak();
    peak.ifPresent(bytes -> training.put("peak_rss_bytes", bytes));
    LOG.info(
        "memory: forecast {}, peak RSS {}",
        ByteSize.words(expected),
        peak.isPresent()
            ? ByteSize.words(peak.getAsLong())
            : "unknown: this system has no /proc/self/status");
  }

  private ObjectNode work(long tokens) {
    return Results.work(
        FlopCount.of(state.model().config(), config.flag("gradient_checkpointing")),
        tally,
        tokens,
        floatOperations(tokens),
        job.backend().measureFlops());
  }

  /// 6 operations a token and weight outside of the embedding, as `transformers` counts them, but
  /// of real tokens.
  private double floatOperations(long tokens) {
    ModelConfig shape = state.model().config();
    long embedding = (long) shape.vocabSize() * shape.hiddenSize();
    return 6.0 * tokens * (shape.parameters() - embedding);
  }
}
