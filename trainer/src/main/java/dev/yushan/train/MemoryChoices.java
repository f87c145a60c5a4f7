package dev.yushan.train;

import dev.yushan.autograd.Ops;
import dev.yushan.train.MemoryPlan.Pass;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Other settings for the same job that take less memory, cheapest first.
///
/// @param resumed whether the run continues a checkpoint: its steps are then divided as they were
record MemoryChoices(TrainingConfig config, MemoryPlan plan, TrainingData data, boolean resumed) {
  static final String CHECKPOINTING = "gradient_checkpointing";
  private static final String ROUNDING = "bf16";
  static final String CHUNK = "logits_chunk";
  static final String BATCH = "per_device_train_batch_size";
  static final String EVAL_BATCH = "per_device_eval_batch_size";
  static final String ACCUMULATION = "gradient_accumulation_steps";
  private static final int SHORTEST = 128;
  private static final Map<String, String> UNDRAWN = Map.of("plot_loss", "false");

  /// What asks for evaluation.
  private static final List<String> EVALUATION =
      List.of("eval_strategy", "do_eval", "eval_on_start");

  /// @param settings those that differ from the configuration
  /// @param cost what they cost, in words
  record Choice(Map<String, String> settings, String cost, MemoryForecast forecast) {
    /// For example `gradient_checkpointing: true, logits_chunk: 256`.
    String text() {
      return String.join(
          ", ", settings.entrySet().stream().map(e -> e.getKey() + ": " + e.getValue()).toList());
    }
  }

  /// As configured.
  Choice asSet() {
    return choice(Map.of(), "");
  }

  /// The choice that leaves even the files of the run as they are, pictures apart.
  List<Choice> undrawn() {
    return asSet().forecast().host().drawing() == 0
        ? List.of()
        : List.of(choice(UNDRAWN, "none: yushan report draws the pictures later"));
  }

  /// Choices that leave what is trained as it is: first those that keep every bit of it, then those
  /// that add up the same batch in smaller parts, which may round differently.
  List<Choice> same() {
    List<Choice> choices = new ArrayList<>();
    Map<String, String> all = new LinkedHashMap<>();
    for (Saving saving : savings()) {
      choices.add(choice(saving.settings, saving.cost));
      boolean first = all.isEmpty();
      all.putAll(saving.settings);
      if (!first) {
        choices.add(lean(all, saving.cost));
      }
    }
    for (int size : smallerBatches()) {
      all.putAll(divided(size));
      choices.add(lean(all, "smaller products; the same batch, rounded otherwise"));
    }
    return choices;
  }

  /// Choices that keep only the input of each layer where the rest was to be kept in BF16: another
  /// result, so that nobody chooses it but the user, and not for a run that is continued.
  List<Choice> unrounded() {
    if (resumed || !config.flag(ROUNDING) || config.flag(CHECKPOINTING)) {
      return List.of();
    }
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put(CHECKPOINTING, "true");
    settings.put(ROUNDING, "false");
    String cost = "a fifth more compute, and nothing is rounded to bfloat16";
    return List.of(choice(settings, cost), lean(most(settings), cost));
  }

  /// Choices without evaluation: alone, and with all that leaves the training as it is.
  List<Choice> unevaluated() {
    Map<String, String> none = new LinkedHashMap<>();
    for (String key : EVALUATION) {
      if (!List.of("no", "false").contains(config.text(key))) {
        none.put(key, key.equals(EVALUATION.getFirst()) ? "no" : "false");
      }
    }
    if (none.isEmpty()) {
      return List.of();
    }
    String cost = "no losses on held-out data: yushan eval measures a checkpoint later";
    return List.of(choice(none, cost), lean(most(none), cost));
  }

  /// `settings` with all that leaves the training as it is, pictures included.
  private Map<String, String> most(Map<String, String> settings) {
    Map<String, String> all = new LinkedHashMap<>(settings);
    savings().forEach(saving -> all.putAll(saving.settings));
    if (!smallerBatches().isEmpty()) {
      all.putAll(divided(1));
    }
    if (settings.containsKey(EVALUATION.getFirst())) {
      all.remove(EVAL_BATCH);
    }
    if (config.flag("plot_loss")) {
      all.putAll(UNDRAWN);
    }
    return all;
  }

  /// Choices that change what is trained on: shorter sequences, one a micro-batch.
  List<Choice> shorter() {
    List<Choice> choices = new ArrayList<>();
    for (int length = config.count("sequence_len") / 2; length >= SHORTEST; length /= 2) {
      Map<String, String> settings = most(Map.of());
      settings.put("sequence_len", Integer.toString(length));
      if (config.count("cutoff_len") > length) {
        settings.put("cutoff_len", Integer.toString(length));
      }
      Pass pass = pass(settings);
      int[] one = data.loader(1).capacity();
      int tokens = Math.min(one[0], length);
      Pass cut =
          new Pass(
              tokens,
              Math.min(one[1], tokens),
              pass.keep(),
              pass.lossChunk(),
              resumed,
              pass.evaluations());
      choices.add(choice(settings, "longer documents are lost or cut", cut));
    }
    return choices;
  }

  private record Saving(Map<String, String> settings, String cost) {}

  /// What saves memory and keeps every bit of the training, the cheapest first.
  private List<Saving> savings() {
    List<Saving> savings = new ArrayList<>();
    if (TrainerConfig.of(config).everEvaluates() && config.count(EVAL_BATCH) > 1) {
      savings.add(
          new Saving(
              Map.of(EVAL_BATCH, "1"),
              "slower evaluation; eval_loss_hf, a mean over batches, is another"));
    }
    if (config.count(CHUNK) > Ops.LOSS_CHUNK_UNIT) {
      String unit = Integer.toString(Ops.LOSS_CHUNK_UNIT);
      savings.add(new Saving(Map.of(CHUNK, unit), "a little time"));
    }
    if (!config.flag(CHECKPOINTING) && !config.flag(ROUNDING)) {
      savings.add(new Saving(Map.of(CHECKPOINTING, "true"), "a fifth more compute"));
    }
    return savings;
  }

  /// A step in micro-batches of `size` rows.
  private Map<String, String> divided(int size) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put(BATCH, Integer.toString(size));
    long steps = config.whole(ACCUMULATION) * (config.count(BATCH) / size);
    settings.put(ACCUMULATION, Long.toString(steps));
    return settings;
  }

  /// The sizes below that of a micro-batch that divide it, the largest first; none for a run that
  /// is continued.
  private List<Integer> smallerBatches() {
    int whole = config.count(BATCH);
    return resumed
        ? List.of()
        : IntStream.iterate(whole - 1, size -> size >= 1, size -> size - 1)
            .filter(size -> whole % size == 0)
            .boxed()
            .toList();
  }

  private Choice choice(Map<String, String> settings, String cost) {
    return choice(settings, cost, pass(settings));
  }

  /// The choice without what saves nothing beside the rest of it.
  private Choice lean(Map<String, String> settings, String cost) {
    Choice choice = choice(settings, cost);
    for (Map<String, String> saving :
        Stream.concat(savings().stream().map(Saving::settings), Stream.of(UNDRAWN)).toList()) {
      Map<String, String> fewer = new LinkedHashMap<>(choice.settings);
      if (fewer.keySet().removeAll(saving.keySet()) && !fewer.isEmpty()) {
        Choice without = choice(fewer, cost);
        if (without.forecast.toComeOnHost(true) <= choice.forecast.toComeOnHost(true)) {
          choice = without;
        }
      }
    }
    return choice;
  }

  private Choice choice(Map<String, String> settings, String cost, Pass pass) {
    MemoryForecast forecast = plan.forecast(pass);
    boolean drawn = settings.getOrDefault("plot_loss", "true").equals("true");
    return new Choice(new LinkedHashMap<>(settings), cost, drawn ? forecast : forecast.undrawn());
  }

  private Pass pass(Map<String, String> settings) {
    TrainingConfig changed = config.with(settings, "");
    int[] capacity = data.loader(changed.count(BATCH)).capacity();
    return new Pass(
        capacity[0],
        capacity[1],
        TrainerConfig.keep(changed),
        changed.count(CHUNK),
        resumed,
        TrainerConfig.of(changed).everEvaluates()
            ? data.evaluations(changed.count(EVAL_BATCH))
            : List.of());
  }
}
