package dev.yushan.train;

/// What the loop of [Trainer] needs to know.
///
/// @param accumulation micro-batches of an optimizer step
/// @param epochs passes over the data
/// @param maxSteps if above 0, overrides `epochs`
/// @param maxGradNorm gradients are scaled down to this norm; 0 leaves them
/// @param checkpointing whether activations are computed again in the backward pass
/// @param lossChunk rows of logits that are held at a time
/// @param logFirst whether the first step is logged whatever `logging` says
/// @param evalOnStart whether to evaluate before the first step
/// @param evalAtEnd whether to evaluate after the last step whatever `evaluation` says
/// @param guard watches the loss and the gradient norm
public record TrainerConfig(
    int accumulation,
    double epochs,
    long maxSteps,
    ScheduleConfig schedule,
    double maxGradNorm,
    boolean checkpointing,
    int lossChunk,
    Cadence logging,
    boolean logFirst,
    Cadence evaluation,
    boolean evalOnStart,
    boolean evalAtEnd,
    Cadence saving,
    SpikeGuard guard) {

  /// The part of a configuration that is about the loop.
  public static TrainerConfig of(TrainingConfig config) {
    Cadence evaluation = Cadence.of(config, "eval_strategy", "eval_steps");
    return new TrainerConfig(
        config.count("gradient_accumulation_steps"),
        config.number("num_train_epochs"),
        config.whole("max_steps"),
        ScheduleConfig.of(config),
        config.number("max_grad_norm"),
        config.flag("gradient_checkpointing"),
        config.count("logits_chunk"),
        Cadence.of(config, "logging_strategy", "logging_steps"),
        config.flag("logging_first_step"),
        evaluation,
        config.flag("eval_on_start"),
        config.flag("do_eval") || evaluation.unit() != Cadence.Unit.NO,
        Cadence.of(config, "save_strategy", "save_steps"),
        SpikeGuard.of(config));
  }

  boolean logs(StepPlan plan, long steps) {
    return logging.due(plan, steps) || (logFirst && steps == 1);
  }

  boolean evaluates(StepPlan plan, long steps) {
    return evaluation.due(plan, steps) || (evalAtEnd && steps == plan.totalSteps());
  }

  /// As in `transformers`, a run that saves by steps also saves its end.
  boolean saves(StepPlan plan, long steps) {
    boolean end = saving.unit() == Cadence.Unit.STEPS && steps == plan.totalSteps();
    return saving.due(plan, steps) || end;
  }
}
