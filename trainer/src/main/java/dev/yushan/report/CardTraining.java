package dev.yushan.report;

import static dev.yushan.report.CardWords.decimal;
import static dev.yushan.report.CardWords.duration;
import static dev.yushan.report.CardWords.gib;
import static dev.yushan.report.CardWords.list;
import static dev.yushan.report.CardWords.scientific;
import static dev.yushan.report.CardWords.whole;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What a model card says about the training: its settings under the names that the `Trainer` of
/// transformers gives them in a card, the losses, and what it took.
record CardTraining(RunDirectory run) {
  private static final Pattern MIN_LR = Pattern.compile("\"min_lr\":\"?([^,}\"]+)");

  String section() {
    return String.join(
        "\n",
        Stream.of(
                "## Training procedure\n",
                hyperparameters(),
                results(),
                spikes(),
                speedsSizesTimes())
            .filter(part -> !part.isEmpty())
            .toList());
  }

  // ---- hyperparameters -------------------------------------------------------------------------

  private String hyperparameters() {
    String heading = "### Training hyperparameters\n\n";
    if (run.config().isEmpty()) {
      return heading + "Not recorded.\n";
    }
    Map<String, String> items = new LinkedHashMap<>();
    put(items, "learning_rate", "learning_rate");
    minimumRate().ifPresent(rate -> items.put("min_learning_rate", rate));
    put(items, "train_batch_size", "per_device_train_batch_size");
    put(items, "eval_batch_size", "per_device_eval_batch_size");
    put(items, "seed", "seed");
    items.put("distributed_type", "none");
    items.put("num_devices", "1");
    items.put("gradient_accumulation_steps", Long.toString(microBatches()));
    items.put(
        "total_train_batch_size",
        Long.toString(count("per_device_train_batch_size") * microBatches()));
    items.put("optimizer", optimizer());
    put(items, "max_grad_norm", "max_grad_norm");
    put(items, "lr_scheduler_type", "lr_scheduler_type");
    if (run.setting("warmup_steps").orElse("0").equals("0")) {
      put(items, "lr_scheduler_warmup_ratio", "warmup_ratio");
    } else {
      put(items, "lr_scheduler_warmup_steps", "warmup_steps");
    }
    items.put("num_epochs", decimal(run.history().path(run.history().size() - 1).path("epoch"), 4));
    items.put("global_step", Long.toString(run.lastStep()));
    put(items, "cutoff_len", "cutoff_len");
    put(items, "sequence_len", "sequence_len");
    items.put("precision", precision());
    return heading + list(items);
  }

  /// With gradient checkpointing nothing is kept that could be rounded.
  private String precision() {
    boolean rounded =
        run.setting("bf16").orElse("").equals("true")
            && !run.setting("gradient_checkpointing").orElse("").equals("true");
    return "float32" + (rounded ? ", activations kept in bfloat16" : "");
  }

  private void put(Map<String, String> items, String name, String key) {
    run.setting(key).ifPresent(value -> items.put(name, value));
  }

  private Optional<String> minimumRate() {
    Matcher rate = MIN_LR.matcher(run.setting("lr_scheduler_kwargs").orElse(""));
    return rate.find() ? Optional.of(rate.group(1)) : Optional.empty();
  }

  /// Those of a step: the devices of a recipe are run one after the other.
  private long microBatches() {
    return count("gradient_accumulation_steps") * count("world_size");
  }

  private long count(String key) {
    return run.setting(key).filter(value -> value.matches("\\d+")).map(Long::parseLong).orElse(1L);
  }

  private String optimizer() {
    return "AdamW (%s) with betas=(%s,%s), epsilon=%s, weight_decay=%s"
        .formatted(
            run.setting("optim").orElse("?"),
            run.setting("adam_beta1").orElse("?"),
            run.setting("adam_beta2").orElse("?"),
            run.setting("adam_epsilon").orElse("?"),
            run.setting("weight_decay").orElse("?"));
  }

  // ---- results ---------------------------------------------------------------------------------

  /// A row for each evaluation, with the training loss last logged before it; for the end alone if
  /// there was none.
  private String results() {
    List<String> keys = run.evaluationKeys();
    StringBuilder text =
        new StringBuilder("### Training results\n\n| Training loss | Epoch | Step |");
    keys.forEach(key -> text.append(' ').append(title(key)).append(" |"));
    text.append("\n|--:|--:|--:|").append("--:|".repeat(keys.size())).append('\n');
    String loss = "no log";
    JsonNode last = run.history().path(run.history().size() - 1);
    for (JsonNode entry : run.history()) {
      loss = entry.has("loss") ? decimal(entry.get("loss"), 4) : loss;
      if (keys.stream().anyMatch(entry::has) || (keys.isEmpty() && entry == last)) {
        text.append(
            "| %s | %s | %d |"
                .formatted(
                    loss, decimal(entry.path("epoch").asDouble(), 4), entry.path("step").asLong()));
        for (String key : keys) {
          text.append(' ').append(entry.has(key) ? decimal(entry.get(key), 4) : "").append(" |");
        }
        text.append('\n');
      }
    }
    return text.toString();
  }

  /// Of the loss `eval_loss` or `eval_NAME_loss`.
  private static String title(String key) {
    return key.equals("eval_loss")
        ? "Validation loss"
        : "Validation loss: " + key.substring("eval_".length(), key.length() - "_loss".length());
  }

  /// Steps whose loss or gradient norm was far above those before.
  private String spikes() {
    if (run.spikes().isEmpty()) {
      return "";
    }
    StringBuilder text =
        new StringBuilder(
            "### Spikes\n\n| Step | What | Value | Mean before | Deviations | Done |\n");
    text.append("|--:|:--|--:|--:|--:|:--|\n");
    for (JsonNode spike : run.spikes()) {
      text.append(
          "| %d | %s | %s | %s | %s | %s |\n"
              .formatted(
                  spike.path("spike_step").asLong(),
                  spike.path("spike").asText(),
                  decimal(spike.path("spike_value"), 4),
                  decimal(spike.path("spike_mean"), 4),
                  decimal(spike.path("spike_z_score"), 1),
                  switch (spike.path("spike_action").asText()) {
                    case "skip" -> "step left out";
                    case "stop" -> "run stopped before it";
                    default -> "trained on";
                  }));
    }
    return text.toString();
  }

  private String speedsSizesTimes() {
    String heading = "### Speeds, sizes, times\n\n";
    JsonNode results = run.results();
    if (!results.has("train_runtime")) {
      return heading + "The run has not come to its end.\n";
    }
    Map<String, String> items = new LinkedHashMap<>();
    int processes = run.facts().path("processes").size();
    items.put(
        "Train runtime",
        duration(results.path("train_runtime"))
            + (processes > 1 ? " (the last of %d processes)".formatted(processes) : ""));
    if (results.has("train_step_seconds")) {
      items.put("Time in optimizer steps", duration(results.path("train_step_seconds")));
    }
    items.put("Train samples per second", decimal(results.path("train_samples_per_second"), 3));
    items.put("Train steps per second", decimal(results.path("train_steps_per_second"), 3));
    items.put("Tokens trained on", whole(results.path("num_input_tokens_seen")));
    losses(items);
    items.put("Total training FLOPs", scientific(results.path("model_flops")));
    items.put(
        "FLOPs as transformers counts them (total_flos)", scientific(results.path("total_flos")));
    if (results.has("mfu")) {
      items.put(
          "Utilisation",
          "%s %% of the F32 peak measured on this machine"
              .formatted(decimal(100 * results.path("mfu").asDouble(), 1)));
    }
    if (results.has("peak_rss_bytes")) {
      items.put("Peak memory", gib(results.path("peak_rss_bytes")));
    }
    return heading + list(items);
  }

  private void losses(Map<String, String> items) {
    JsonNode results = run.results();
    items.put("Train loss", decimal(results.path("train_loss"), 4));
    for (Map.Entry<String, JsonNode> field : results.properties()) {
      if (RunDirectory.isEvaluationLoss(field.getKey())) {
        String perplexity = field.getKey().replaceFirst("_loss$", "_perplexity");
        items.put(
            title(field.getKey()),
            "%s (perplexity %s)"
                .formatted(decimal(field.getValue(), 4), decimal(results.path(perplexity), 2)));
      }
    }
  }
}
