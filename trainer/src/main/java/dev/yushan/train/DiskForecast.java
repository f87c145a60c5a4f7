package dev.yushan.train;

import dev.yushan.io.ByteSize;
import dev.yushan.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/// The space that a run takes on the disk, and what is free.
///
/// @param checkpoint bytes of a checkpoint: float32 weights, and unless save_only_model is set the
///   state of the optimizer
/// @param weights bytes of the float32 weights, which a step that fails is kept with
/// @param resumable bytes of a checkpoint with the optimizer, which a run that is stopped leaves
/// @param more checkpoints that there will be at once beside those there are; where their number is
///   limited, one more than stays: the oldest goes when the new one is safe
/// @param model bytes of the final model
/// @param tokenised bytes of the tokenised data, which is written already
/// @param free bytes that the file store of `directory` has for this user; 0 if it does not say
record DiskForecast(
    TrainingConfig config,
    long checkpoint,
    long weights,
    long resumable,
    long more,
    long model,
    long tokenised,
    Path directory,
    long free) {

  /// @param existing checkpoints of the run that is resumed
  static DiskForecast of(
      TrainingConfig config,
      StepPlan plan,
      long parameters,
      long optimizerState,
      DType saveType,
      long tokenised,
      long existing) {
    Path directory = Path.of(config.text("output_dir")).toAbsolutePath();
    long weights = parameters * Float.BYTES;
    TrainerConfig trainer = TrainerConfig.of(config);
    long saves =
        LongStream.rangeClosed(1, plan.totalSteps()).filter(s -> trainer.saves(plan, s)).count();
    long coming = Math.max(0, saves - existing);
    long limit = config.find("save_total_limit").map(Long::parseLong).orElse(Long.MAX_VALUE);
    long more = existing + coming <= limit ? coming : Math.max(0, limit - existing) + 1;
    return new DiskForecast(
        config,
        config.flag("save_only_model") ? weights : weights + optimizerState,
        weights,
        weights + optimizerState,
        more,
        saveType.bytes(parameters),
        tokenised,
        directory,
        free(directory));
  }

  private static long free(Path directory) {
    Path there = directory;
    while (!Files.exists(there) && there.getParent() != null) {
      there = there.getParent();
    }
    try {
      return Files.getFileStore(there).getUsableSpace();
    } catch (IOException e) {
      return 0;
    }
  }

  /// Bytes still to be written and kept.
  long needed() {
    return more * checkpoint + model;
  }

  boolean fits() {
    return free == 0 || needed() <= free;
  }

  String table() {
    SizeTable table = new SizeTable();
    table.add("one checkpoint", more == 0 ? 0 : checkpoint, contents());
    table.add("checkpoints", more * checkpoint, "%d at once, one being written".formatted(more));
    table.add("final model", model, "save_dtype: " + config.text("save_dtype"));
    table.add("still to write", needed(), "");
    boolean covered = more > 0 && checkpoint == resumable;
    table.add("if it is stopped", covered ? 0 : resumable, perhaps("a checkpoint", resumable));
    table.add("if a step fails", weights, perhaps("failed-step-N for --replay", weights));
    table.add("tokenised data", tokenised, "in its cache, written already");
    table.add("free", free == 0 ? Long.MAX_VALUE : free, directory.toString());
    return table.toString();
  }

  /// What may come, but need not, is no reason to refuse a run. It comes in the place of the model.
  private String perhaps(String what, long bytes) {
    boolean room = free == 0 || more * checkpoint + bytes <= free;
    return what + ", not in the sum" + (room ? "" : "; there is no room for it");
  }

  private String contents() {
    return config.flag("save_only_model")
        ? "float32 weights alone: save_only_model"
        : "float32 weights and optimizer state";
  }

  /// What to say to somebody whose disk is too small.
  String refusal() {
    StringBuilder text =
        new StringBuilder(
            "output_dir: %s has %s free, but the run writes %s (%d checkpoints of %s and a model of %s at once)"
                .formatted(
                    directory,
                    ByteSize.words(free),
                    ByteSize.words(needed()),
                    more,
                    ByteSize.words(checkpoint),
                    ByteSize.words(model)));
    List<Remedy> remedies =
        List.of(
            new Remedy("save_total_limit: 1", Math.min(more, 2) * checkpoint + model),
            new Remedy("save_only_model: true (cannot be resumed)", more * weights + model),
            new Remedy(
                "save_total_limit: 1 and save_only_model: true",
                Math.min(more, 2) * weights + model),
            new Remedy("save_strategy: no (cannot be resumed)", model));
    for (Remedy remedy : remedies) {
      if (remedy.bytes <= free && remedy.bytes < needed()) {
        text.append("\n  ")
            .append(remedy.setting)
            .append(" needs ")
            .append(ByteSize.words(remedy.bytes));
      }
    }
    return text.append("\n  or name an output_dir on a larger disk, or free some space").toString();
  }

  private record Remedy(String setting, long bytes) {}
}
