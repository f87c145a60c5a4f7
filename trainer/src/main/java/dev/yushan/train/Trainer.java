package dev.yushan.train;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Traffic;
import dev.yushan.data.MicroBatch;
import dev.yushan.model.CausalLM;
import dev.yushan.optim.LrSchedule;
import dev.yushan.optim.Optimizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The training loop.
///
/// A step takes a few micro-batches, adds up the gradients of their loss, clips them by their norm
/// and moves the weights. The loss is the mean over all targets of the step, however they are
/// spread over its micro-batches. Everything a step does is a function of its number, the data and
/// the weights, so a run that was stopped goes on to the same bits.
///
/// The arithmetic and what is reported are those of `Trainer` in transformers.
public final class Trainer {
  private static final Logger LOG = LoggerFactory.getLogger(Trainer.class);

  /// Keeps the clip coefficient finite, as in `torch.nn.utils.clip_grad_norm_`.
  private static final double CLIP_EPSILON = 1e-6;

  private final Backend backend;
  private final CausalLM model;
  private final Optimizer optimizer;
  private final MicroBatches data;
  private final List<Evaluation> evaluations;
  private final TrainerConfig config;
  private final StepPlan plan;
  private final LrSchedule schedule;

  /// A trainer of `model`, whose parameters have gradients and belong to `optimizer`.
  ///
  /// @param evaluations held-out datasets, which may be none
  public Trainer(
      Backend backend,
      CausalLM model,
      Optimizer optimizer,
      MicroBatches data,
      List<Evaluation> evaluations,
      TrainerConfig config) {
    this.backend = backend;
    this.model = model;
    this.optimizer = optimizer;
    this.data = data;
    this.evaluations = List.copyOf(evaluations);
    this.config = config;
    this.plan =
        StepPlan.of(data.perEpoch(), config.accumulation(), config.epochs(), config.maxSteps());
    this.schedule = config.schedule().over(plan.totalSteps());
  }

  /// How the data is divided into steps.
  public StepPlan plan() {
    return plan;
  }

  /// Takes the steps from `start` to the end, or to where `listener` stops; returns where that is.
  /// The weights and the optimizer are those of `start`.
  ///
  /// @throws StepException at a loss or gradient that is not finite, or that [SpikeGuard] stops at,
  ///   naming step and documents
  public Progress train(Progress start, TrainingListener listener) {
    try (Gradients gradients = new Gradients(backend, model.parameters());
        BatchPass pass =
            BatchPass.training(backend, model, data, config.keep(), config.lossChunk())) {
      boolean evaluateFirst = start.evaluationDue() || config.evalOnStart() && start.steps() == 0;
      listener.started(plan, start);
      Progress progress = evaluate(start.evaluationDue(evaluateFirst), listener);
      Optional<String> stop = listener.stop(progress);
      while (progress.steps() < plan.totalSteps() && stop.isEmpty()) {
        StepReport step = step(progress, gradients, pass, listener);
        progress = progress.after(step, config.guard().window());
        listener.stepped(step, progress);
        if (config.logs(plan, progress.steps())) {
          listener.logged(step, progress.lossSinceLogged(), progress);
          progress = progress.logged();
        }
        boolean evaluates = config.evaluates(plan, progress.steps());
        progress = evaluate(progress.evaluationDue(evaluates), listener);
        if (config.saves(plan, progress.steps()) && !progress.evaluationDue()) {
          listener.checkpoint(progress);
        }
        stop = listener.stop(progress);
      }
      if (progress.completes(plan)) {
        listener.finished(progress);
      } else {
        listener.stopped(stop.orElseThrow(), progress);
      }
      return progress;
    }
  }

  private StepReport step(
      Progress before, Gradients gradients, BatchPass pass, TrainingListener listener) {
    long begin = System.nanoTime();
    Traffic earlier = backend.traffic();
    long step = before.steps();
    List<MicroBatch> batches = batches(step);
    long targets = batches.stream().mapToLong(batch -> batch.rows().targetCount()).sum();
    double scale = 1.0 / Math.max(1, targets);
    double nll = 0;
    gradients.zero();
    pass.scale(scale);
    for (MicroBatch batch : batches) {
      float[] nlls = pass.run(batch.rows());
      double batchNll = BatchPass.sum(nlls);
      requireFinite(batchNll, "loss", before, List.of(batch), batches);
      listener.computed(batch, nlls);
      nll += batchNll;
    }
    double norm = gradients.norm();
    requireFinite(norm, "gradient norm", before, batches, batches);
    Optional<Spike> spike = config.guard().look(before, new SpikeGuard.Seen(nll * scale, norm));
    spike.ifPresent(found -> report(found, before, batches));
    double learningRate = schedule.at(step);
    if (spike.filter(Spike::skipped).isEmpty()) {
      optimizer.step(learningRate, clipCoefficient(norm));
    }
    long tokens = batches.stream().mapToLong(batch -> batch.rows().length()).sum();
    double seconds = (System.nanoTime() - begin) * 1e-9;
    return new StepReport(
        step + 1,
        nll * scale,
        learningRate,
        norm,
        tokens,
        spike,
        seconds,
        backend.traffic().since(earlier));
  }

  private static void report(Spike spike, Progress before, List<MicroBatch> batches) {
    String what =
        "step %d: %s; trained on %s"
            .formatted(before.steps() + 1, spike, StepException.documents(batches));
    if (spike.action() == SpikeGuard.Action.STOP) {
      throw new StepException(
          what
              + (before.skippedInRow() > 0
                  ? "; the %d steps before it were left out, so it is not the documents: begin a new run from an earlier checkpoint, in another output_dir, with a lower learning_rate or a higher spike_threshold"
                      .formatted(before.skippedInRow())
                  : "; look at these documents, then continue, with on_spike: skip to pass over"
                      + " it"),
          before,
          batches,
          Optional.of(spike));
    }
    LOG.warn("{}{}", what, spike.skipped() ? "; the step is left out" : "");
  }

  private List<MicroBatch> batches(long step) {
    return IntStream.range(plan.first(step), plan.end(step))
        .mapToObj(number -> data.get(plan.epoch(step), number))
        .toList();
  }

  private double clipCoefficient(double norm) {
    double limit = config.maxGradNorm();
    return limit > 0 ? Math.min(1, limit / (norm + CLIP_EPSILON)) : 1;
  }

  /// Evaluates the held-out data if that is due. It stays due if `listener` stopped it: what was
  /// evaluated until then counts for nothing, and the run goes on with this evaluation.
  private Progress evaluate(Progress progress, TrainingListener listener) {
    if (!progress.evaluationDue()) {
      return progress;
    }
    List<EvalResult> results = new ArrayList<>();
    for (Evaluation held : evaluations) {
      Optional<EvalResult> result =
          held.run(backend, model, config.lossChunk(), () -> listener.stop(progress).isPresent());
      if (result.isEmpty()) {
        return progress;
      }
      results.add(result.get());
    }
    if (!results.isEmpty()) {
      listener.evaluated(results, progress);
    }
    return progress.evaluationDue(false);
  }

  /// @param suspects the micro-batches that `value` was computed from
  private static void requireFinite(
      double value,
      String what,
      Progress before,
      List<MicroBatch> suspects,
      List<MicroBatch> batches) {
    if (!Double.isFinite(value)) {
      throw new StepException(
          "the %s of step %d is %s: either the weights after step %d are spoilt, or the documents of this step are: %s; look at these documents, or begin a new run with a lower learning_rate"
              .formatted(
                  what,
                  before.steps() + 1,
                  value,
                  before.steps(),
                  StepException.documents(suspects)),
          before,
          batches,
          Optional.empty());
    }
  }
}
