package dev.yushan.train;

import dev.yushan.autograd.Keep;
import java.util.List;

/// What the loop of [Trainer] needs to know.
///
/// @param accumulation micro-batches of an optimizer step, of all devices
/// @param epochs passes over the data
/// @param maxSteps if above 0, overrides `epochs`
/// @param maxGradNorm gradients are scaled down to this norm; 0 leaves them
/// @param keep what each block of the model keeps for the backward pass
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
    Keep keep,
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
    requireHeldOut(config);
    return new TrainerConfig(
        accumulation(config),
        config.number("num_train_epochs"),
        config.whole("max_steps"),
        ScheduleConfig.of(config),
        config.number("max_grad_norm"),
        keep(config),
        config.count("logits_chunk"),
        Cadence.of(config, "logging_strategy", "logging_steps"),
        config.flag("logging_first_step"),
        evaluation,
        config.flag("eval_on_start"),
        config.flag("do_eval") || evaluation.unit() != Cadence.Unit.NO,
        Cadence.of(config, "save_strategy", "save_steps"),
        SpikeGuard.of(config));
  }

  /// What each block of the model keeps for the backward pass. One that is computed again has
  /// nothing to round.
  static Keep keep(TrainingConfig config) {
    if (config.flag("gradient_checkpointing")) {
      return Keep.INPUTS;
    }
    return config.flag("bf16") ? Keep.PRODUCTS_BF16 : Keep.PRODUCTS;
  }

  /// The micro-batches of all devices, one device after the other. The loss of a step is the mean
  /// over all its targets, so it does not matter which device would have had which.
  private static int accumulation(TrainingConfig config) {
    long all = config.whole("gradient_accumulation_steps") * config.whole("world_size");
    if (all != (int) all) {
      throw config.wrong("gradient_accumulation_steps", "times world_size is too large");
    }
    return (int) all;
  }

  /// Throws if there is no held-out data where it is needed, or two kinds of it.
  private static void requireHeldOut(TrainingConfig config) {
    double valSize = config.number("val_size");
    if (valSize > 1 && valSize != Math.rint(valSize)) {
      throw config.wrong(
          "val_size",
          "is no part of the documents: give a share below 1 or a whole number of them");
    }
    boolean drawn = valSize > 0;
    boolean named = config.find("eval_dataset").isPresent();
    if (drawn && named) {
      throw config.wrong(
          "val_size", "and eval_dataset are both set; keep the one that is to be evaluated on");
    }
    for (String key : List.of("eval_strategy", "do_eval", "eval_on_start")) {
      if (!drawn && !named && !List.of("no", "false").contains(config.text(key))) {
        throw config.wrong(
            key,
            "needs held-out data: name it with eval_dataset, hold out a part of dataset with"
                + " val_size, or switch evaluation off");
      }
    }
  }

  boolean logs(StepPlan plan, long steps) {
    return logging.due(plan, steps) || (logFirst && steps == 1);
  }

  boolean evaluates(StepPlan plan, long steps) {
    return evaluation.due(plan, steps) || (evalAtEnd && steps == plan.totalSteps());
  }

  boolean everEvaluates() {
    return evalOnStart || evalAtEnd;
  }

  /// As in `transformers`, a run that saves by steps also saves its end.
  boolean saves(StepPlan plan, long steps) {
    boolean end = saving.unit() == Cadence.Unit.STEPS && steps == plan.totalSteps();
    return saving.due(plan, steps) || end;
  }
}
