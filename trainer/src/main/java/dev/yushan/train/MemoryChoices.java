package dev.yushan.train;

import dev.yushan.autograd.Ops;
import dev.yushan.train.MemoryPlan.Pass;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/// Other settings for the same job that take less memory, cheapest first.
///
/// @param resumed whether the run continues a checkpoint: its steps are then divided as they were
record MemoryChoices(TrainingConfig config, MemoryPlan plan, TrainingData data, boolean resumed) {
  static final String CHECKPOINTING = "gradient_checkpointing";
  static final String CHUNK = "logits_chunk";
  static final String BATCH = "per_device_train_batch_size";
  static final String ACCUMULATION = "gradient_accumulation_steps";
  private static final int SHORTEST = 128;

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
    return choice(Map.of(), "", batch());
  }

  /// The choice that leaves even the files of the run as they are, pictures apart.
  List<Choice> undrawn() {
    MemoryForecast forecast = asSet().forecast();
    return forecast.host().drawing() == 0
        ? List.of()
        : List.of(
            new Choice(
                Map.of("plot_loss", "false"),
                "none: yushan report draws the pictures later",
                forecast.undrawn()));
  }

  /// Choices that leave what is computed as it is: first those that keep every bit, then those that
  /// add up the same batch in smaller parts, which may round differently.
  List<Choice> same() {
    List<Choice> choices = new ArrayList<>();
    Map<String, String> chunk = smallerChunk();
    Map<String, String> all = new LinkedHashMap<>(chunk);
    if (!chunk.isEmpty()) {
      choices.add(choice(chunk, "a little time", batch()));
    }
    if (!config.flag(CHECKPOINTING)) {
      Map<String, String> again = Map.of(CHECKPOINTING, "true");
      choices.add(choice(again, "a third more compute", batch()));
      all.putAll(again);
      if (!chunk.isEmpty()) {
        choices.add(choice(all, "a third more compute", batch()));
      }
    }
    if (!resumed) {
      for (int size : smallerBatches()) {
        Map<String, String> split = new LinkedHashMap<>(all);
        split.put(BATCH, Integer.toString(size));
        long steps = config.whole(ACCUMULATION) * (batch() / size);
        split.put(ACCUMULATION, Long.toString(steps));
        choices.add(choice(split, "smaller products; the same batch, rounded otherwise", size));
      }
    }
    return choices;
  }

  /// Choices that change what is trained on: shorter sequences, one a micro-batch.
  List<Choice> shorter() {
    List<Choice> choices = new ArrayList<>();
    Map<String, String> rest = new LinkedHashMap<>();
    if (!same().isEmpty()) {
      rest.putAll(same().getLast().settings());
    }
    for (int length = config.count("sequence_len") / 2; length >= SHORTEST; length /= 2) {
      Map<String, String> settings = new LinkedHashMap<>(rest);
      settings.put("sequence_len", Integer.toString(length));
      if (config.count("cutoff_len") > length) {
        settings.put("cutoff_len", Integer.toString(length));
      }
      Pass pass = pass(settings, 1);
      int tokens = Math.min(pass.tokens(), length);
      Pass cut =
          new Pass(
              tokens,
              Math.min(pass.sequences(), tokens),
              pass.checkpointing(),
              pass.lossChunk(),
              resumed);
      choices.add(new Choice(settings, "longer documents are lost or cut", plan.forecast(cut)));
    }
    return choices;
  }

  private Map<String, String> smallerChunk() {
    return config.count(CHUNK) > Ops.LOSS_CHUNK_UNIT
        ? Map.of(CHUNK, Integer.toString(Ops.LOSS_CHUNK_UNIT))
        : Map.of();
  }

  private int batch() {
    return config.count(BATCH);
  }

  private List<Integer> smallerBatches() {
    int whole = batch();
    return IntStream.iterate(whole - 1, size -> size >= 1, size -> size - 1)
        .filter(size -> whole % size == 0)
        .boxed()
        .toList();
  }

  private Choice choice(Map<String, String> settings, String cost, int batchSize) {
    return new Choice(settings, cost, plan.forecast(pass(settings, batchSize)));
  }

  private Pass pass(Map<String, String> settings, int batchSize) {
    int[] capacity = data.loader(batchSize).capacity();
    return new Pass(
        capacity[0],
        capacity[1],
        settings.containsKey(CHECKPOINTING) || config.flag(CHECKPOINTING),
        Integer.parseInt(settings.getOrDefault(CHUNK, config.text(CHUNK))),
        resumed);
  }
}
