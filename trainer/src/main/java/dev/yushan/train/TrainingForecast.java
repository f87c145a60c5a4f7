package dev.yushan.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.yushan.io.ByteSize;
import dev.yushan.train.MemoryChoices.Choice;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What a run will take of memory and disk, next to what there is: made when the data is known and
/// before a tensor is loaded.
///
/// @param config the configuration, with what `memory: auto` chose
/// @param refusal why the run cannot fit and what would make it fit
record TrainingForecast(
    TrainingConfig config,
    MemoryForecast memory,
    MemoryLimits limits,
    DiskForecast disk,
    Optional<String> refusal) {
  private static final Logger LOG = LoggerFactory.getLogger(TrainingForecast.class);
  private static final String AUTO = "memory: auto";

  /// @param checkpoints how many there are of the run that is continued; empty for a new run
  static TrainingForecast of(TrainingJob job, TrainingData data, OptionalInt checkpoints) {
    TrainingConfig asked = job.config();
    MemoryLimits limits = MemoryLimits.of(job.backend());
    HostForecast host =
        HostForecast.now(data.indexBytes(), data.mappedBytes(), asked.flag("plot_loss"));
    try (MemoryPlan plan =
        new MemoryPlan(
            job.configJson(),
            job.provider(),
            Samples.positions(asked, job.tokenizer().tokenizer()),
            host)) {
      MemoryChoices choices = new MemoryChoices(asked, plan, data, checkpoints.isPresent());
      Choice choice = choose(asked, choices, limits);
      TrainingConfig config = asked.with(choice.settings(), AUTO);
      TrainerConfig trainer = TrainerConfig.of(config);
      StepPlan steps =
          StepPlan.of(
              data.loader(config.count(MemoryChoices.BATCH)).microBatches(),
              trainer.accumulation(),
              trainer.epochs(),
              trainer.maxSteps());
      DiskForecast disk =
          DiskForecast.of(
              config,
              steps,
              plan.parameters(),
              plan.optimizerState(),
              job.saveType(),
              data.mappedBytes(),
              checkpoints.orElse(0));
      List<String> refusals = new ArrayList<>();
      if (!limits.fits(choice.forecast())) {
        refusals.add(refusal(choice, choices, limits));
      }
      if (!disk.fits()) {
        refusals.add(disk.refusal());
      }
      return new TrainingForecast(
          config,
          choice.forecast(),
          limits,
          disk,
          refusals.isEmpty() ? Optional.empty() : Optional.of(String.join("\n", refusals)));
    }
  }

  private static Choice choose(TrainingConfig asked, MemoryChoices choices, MemoryLimits limits) {
    Choice asSet = choices.asSet();
    if (!asked.text("memory").equals("auto") || limits.fits(asSet.forecast())) {
      return asSet;
    }
    Optional<Choice> found =
        choices.same().stream().filter(c -> limits.fits(c.forecast())).findFirst();
    found.ifPresent(
        c ->
            LOG.info(
                "{}: as set the run needs {}; chosen {}, with which it needs {} (cost: {})",
                AUTO,
                ByteSize.words(asSet.forecast().toCome(limits.shared())),
                c.text(),
                ByteSize.words(c.forecast().toCome(limits.shared())),
                c.cost()));
    return found.orElse(asSet);
  }

  private static String refusal(Choice asSet, MemoryChoices choices, MemoryLimits limits) {
    List<Choice> all =
        Stream.of(
                choices.undrawn(),
                choices.same(),
                choices.unrounded(),
                choices.unevaluated(),
                choices.shorter())
            .flatMap(List::stream)
            .toList();
    List<Choice> fitting = worthNaming(all.stream().filter(c -> limits.fits(c.forecast())), limits);
    StringBuilder text =
        new StringBuilder(
            "training needs %s of memory, but %s are there (%s)"
                .formatted(
                    ByteSize.words(asSet.forecast().toCome(limits.shared())),
                    ByteSize.words(limits.available()),
                    limits.source()));
    if (fitting.isEmpty()) {
      Choice least =
          Stream.concat(Stream.of(asSet), all.stream())
              .min(Comparator.comparingLong(c -> c.forecast().toCome(limits.shared())))
              .orElseThrow();
      return text.append(
              "; no setting makes it fit, the least is %s%s: take a smaller model, or give it more memory"
                  .formatted(
                      ByteSize.words(least.forecast().toCome(limits.shared())),
                      least.settings().isEmpty() ? "" : " with " + least.text()))
          .toString();
    }
    text.append("; these settings make it fit, cheapest first:");
    for (Choice choice : fitting) {
      text.append(
          "\n  %s needs %s (cost: %s)"
              .formatted(
                  choice.text(),
                  ByteSize.words(choice.forecast().toCome(limits.shared())),
                  choice.cost()));
    }
    return text.toString();
  }

  /// Of `choices`, cheapest first, one of each cost, and none that takes no less than a cheaper
  /// one.
  private static List<Choice> worthNaming(Stream<Choice> choices, MemoryLimits limits) {
    List<Choice> named = new ArrayList<>();
    Set<String> costs = new HashSet<>();
    long least = Long.MAX_VALUE;
    for (Choice choice : choices.toList()) {
      long bytes = choice.forecast().toCome(limits.shared());
      if (bytes < least && costs.add(choice.cost())) {
        named.add(choice);
        least = bytes;
      }
    }
    return named;
  }

  /// Both tables, with the figures of the machine.
  String tables() {
    return "memory\n%s\n%s\ndisk\n%s"
        .formatted(memory.table(limits.shared()), limits.table(), disk.table());
  }

  /// The table of memory, see [SizeTable#toJson].
  ArrayNode memoryRows() {
    return memory.table(limits.shared()).toJson();
  }

  /// Throws if it cannot fit, saying what would help.
  void requireFit() {
    refusal.ifPresent(
        why -> {
          throw new ConfigException(why);
        });
  }

  /// Bytes to compare with the peak of the process.
  long residentBytes() {
    return memory.resident(limits.shared());
  }
}
