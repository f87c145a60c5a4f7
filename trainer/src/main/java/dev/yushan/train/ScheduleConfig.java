package dev.yushan.train;

import dev.yushan.optim.LrSchedule;
import dev.yushan.optim.LrSchedule.Kind;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// The course of the learning rate, before the number of steps is known.
///
/// @param warmup steps, or below 1 a share of all steps
/// @param minRatio lowest rate over the highest
/// @param decaySteps of [Kind#WARMUP_STABLE_DECAY]
public record ScheduleConfig(
    Kind kind, double learningRate, double warmup, double minRatio, long decaySteps) {
  private static final String KWARGS = "lr_scheduler_kwargs";

  /// The same rate throughout.
  public static ScheduleConfig constant(double learningRate) {
    return new ScheduleConfig(Kind.CONSTANT, learningRate, 0, 0, 0);
  }

  static ScheduleConfig of(TrainingConfig config) {
    Kind kind = Kind.valueOf(config.text("lr_scheduler_type").toUpperCase(Locale.ROOT));
    double rate = config.number("learning_rate");
    double steps = config.number("warmup_steps");
    Map<String, Double> arguments = config.table(KWARGS);
    refuseUnknown(config, kind, arguments);
    double minRatio =
        arguments.containsKey("min_lr")
            ? arguments.get("min_lr") / rate
            : arguments.getOrDefault("min_lr_rate", arguments.getOrDefault("min_lr_ratio", 0.0));
    if (!(minRatio >= 0 && minRatio <= 1)) {
      throw config.wrong(
          KWARGS,
          "has a lowest rate of %s times learning_rate %s; it must be from 0 to learning_rate: lower it, or raise learning_rate"
              .formatted(minRatio, rate));
    }
    double decay = arguments.getOrDefault("num_decay_steps", 0.0);
    return new ScheduleConfig(
        kind, rate, steps > 0 ? steps : config.number("warmup_ratio"), minRatio, (long) decay);
  }

  private static void refuseUnknown(
      TrainingConfig config, Kind kind, Map<String, Double> arguments) {
    Set<String> known =
        switch (kind) {
          case COSINE_WITH_MIN_LR, COSINE_WARMUP_WITH_MIN_LR -> Set.of("min_lr", "min_lr_rate");
          case WARMUP_STABLE_DECAY -> Set.of("min_lr_ratio", "num_decay_steps");
          default -> Set.of();
        };
    for (String name : arguments.keySet()) {
      if (!known.contains(name)) {
        throw config.wrong(
            KWARGS,
            "has %s, which %s does not know; %s"
                .formatted(
                    name,
                    config.text("lr_scheduler_type"),
                    known.isEmpty()
                        ? "it takes none: remove it, or name another lr_scheduler_type"
                        : "it knows " + String.join(", ", new TreeSet<>(known))));
      }
    }
    boolean lowest = kind == Kind.COSINE_WITH_MIN_LR || kind == Kind.COSINE_WARMUP_WITH_MIN_LR;
    if (lowest && arguments.size() != 1) {
      throw config.wrong(
          "lr_scheduler_type", "needs either min_lr or min_lr_rate in lr_scheduler_kwargs");
    }
    if (kind == Kind.WARMUP_STABLE_DECAY && !arguments.containsKey("num_decay_steps")) {
      throw config.wrong("lr_scheduler_type", "needs num_decay_steps in lr_scheduler_kwargs");
    }
  }

  /// The rate of every step of a run of `totalSteps`.
  public LrSchedule over(long totalSteps) {
    long total = Math.max(1, totalSteps);
    long warmupSteps = warmup < 1 ? LrSchedule.warmupSteps(warmup, total) : (long) warmup;
    return new LrSchedule(kind, learningRate, warmupSteps, total, minRatio, decaySteps);
  }
}
