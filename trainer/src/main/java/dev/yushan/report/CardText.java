package dev.yushan.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The text of a model card below its metadata.
///
/// @param metadata that of the same card
record CardText(RunDirectory run, JsonNode metadata) {

  String body() {
    return String.join(
        "\n",
        "# " + run.path().toAbsolutePath().normalize().getFileName() + "\n",
        introduction(),
        description(),
        data(),
        preprocessing(),
        hyperparameters(),
        results(),
        speeds(),
        samples(),
        environment());
  }

  // ---- sections --------------------------------------------------------------------------------

  private String introduction() {
    JsonNode base = run.facts().path("base");
    String name = base.path("name").asText("a base model");
    String from =
        base.path("train_from_scratch").asBoolean()
            ? "Pre-trained from fresh weights in the shape of `%s`".formatted(name)
            : base.has("id")
                ? "Continued pre-training of [%1$s](https://huggingface.co/%1$s)"
                    .formatted(base.get("id").asText())
                : "Continued pre-training of `%s`".formatted(name);
    List<String> words = new ArrayList<>();
    long documents = packed("documents");
    if (documents > 0) {
      words.add(" on %s documents, %s tokens".formatted(whole(documents), whole(packed("tokens"))));
    }
    if (run.results().has("train_loss")) {
      words.add(
          ": %s steps over %s passes through them, a mean training loss of %s"
              .formatted(whole(run.lastStep()), number("epoch", 2), number("train_loss", 4)));
    }
    return from + String.join("", words) + ".\n";
  }

  private String description() {
    JsonNode model = run.facts().path("model");
    Map<String, String> items = new LinkedHashMap<>();
    items.put("Model type", model.path("architecture").asText(""));
    items.put("Parameters", whole(model.path("parameters").asLong()));
    items.put(
        "Shape",
        "%d layers, hidden size %d, %d heads (%d for keys and values), vocabulary %s%s"
            .formatted(
                model.path("num_hidden_layers").asInt(),
                model.path("hidden_size").asInt(),
                model.path("num_attention_heads").asInt(),
                model.path("num_key_value_heads").asInt(),
                whole(model.path("vocab_size").asLong()),
                model.path("tie_word_embeddings").asBoolean() ? ", tied embeddings" : ""));
    items.put("Language(s)", joined(metadata.path("language"), "not stated"));
    items.put("License", metadata.path("license").asText("not known, see below"));
    String notice =
        metadata.has("license")
            ? ""
            : """

            > **No license is stated.** The base model has no card that names one. Find out under which \
            terms the base model and the data may be passed on before this model is, and put them as \
            `license: …` into `card.yaml`.
            """;
    return "## Model description\n\n" + (model.isMissingNode() ? "" : list(items)) + notice;
  }

  private String data() {
    StringBuilder text = new StringBuilder("## Training data\n\n");
    table(text, "Dataset", run.facts().path("datasets"));
    if (!run.facts().path("eval_datasets").isEmpty()) {
      text.append("\nEvaluated on:\n\n");
      table(text, "Dataset", run.facts().path("eval_datasets"));
    }
    return text.toString();
  }

  private static void table(StringBuilder text, String title, JsonNode datasets) {
    text.append("| %s | Documents | Tokens |\n|:--|--:|--:|\n".formatted(title));
    long documents = 0;
    long tokens = 0;
    for (JsonNode dataset : datasets) {
      row(text, cell(dataset, "name"), dataset.path("documents"), dataset.path("tokens"));
      documents += dataset.path("documents").asLong();
      tokens += dataset.path("tokens").asLong();
    }
    if (datasets.size() > 1) {
      text.append("| **all** | **%s** | **%s** |\n".formatted(whole(documents), whole(tokens)));
    }
  }

  private static void row(StringBuilder text, String name, JsonNode documents, JsonNode tokens) {
    text.append(
        "| %s | %s | %s |\n".formatted(name, whole(documents.asLong()), whole(tokens.asLong())));
  }

  private String preprocessing() {
    JsonNode read = run.ledger().path("read");
    JsonNode excess = run.ledger().path("excess");
    if (read.isMissingNode()) {
      return "### Preprocessing\n\nNot recorded.\n";
    }
    List<String> steps = new ArrayList<>();
    steps.add(
        "%s records were read: %s bad and %s empty ones left out."
            .formatted(
                whole(read.path("records").asLong()),
                whole(read.path("bad").asLong()),
                whole(read.path("empty").asLong())));
    steps.add(
        "A text becomes %stokens%s."
            .formatted(
                read.path("bos_tokens").asLong() > 0 ? "BOS, " : "",
                read.path("eos_tokens").asLong() > 0 ? ", EOS" : ""));
    steps.add(
        "Documents of more than %s tokens: %s dropped (%s tokens), %s split (%s tokens)."
            .formatted(
                run.setting("cutoff_len").orElse("?"),
                whole(excess.path("dropped_documents").asLong()),
                whole(excess.path("dropped_tokens").asLong()),
                whole(excess.path("split_documents").asLong()),
                whole(excess.path("split_tokens").asLong())));
    steps.add(
        "Packing `%s`: %s sequences of up to %s tokens; %s tokens are predicted in an epoch."
            .formatted(
                run.ledger().path("packed").path("packing").asText(),
                whole(packed("rows")),
                whole(packed("sequence_len")),
                whole(packed("targets"))));
    return "### Preprocessing\n\n- " + String.join("\n- ", steps) + "\n";
  }

  private String hyperparameters() {
    Map<String, String> items = new LinkedHashMap<>();
    put(items, "learning_rate", "learning_rate");
    minimum().ifPresent(value -> items.put("min_learning_rate", value));
    put(items, "train_batch_size", "per_device_train_batch_size");
    put(items, "eval_batch_size", "per_device_eval_batch_size");
    put(items, "seed", "seed");
    items.put("distributed_type", "none");
    items.put("num_devices", "1");
    put(items, "gradient_accumulation_steps", "gradient_accumulation_steps");
    long batch = whole("per_device_train_batch_size") * whole("gradient_accumulation_steps");
    items.put("total_train_batch_size", Long.toString(batch));
    items.put(
        "optimizer",
        "AdamW (%s) with betas=(%s,%s), epsilon=%s, weight_decay=%s"
            .formatted(
                run.setting("optim").orElse("?"),
                run.setting("adam_beta1").orElse("?"),
                run.setting("adam_beta2").orElse("?"),
                run.setting("adam_epsilon").orElse("?"),
                run.setting("weight_decay").orElse("?")));
    put(items, "max_grad_norm", "max_grad_norm");
    put(items, "lr_scheduler_type", "lr_scheduler_type");
    boolean steps = !run.setting("warmup_steps").orElse("0").equals("0");
    put(
        items,
        steps ? "lr_scheduler_warmup_steps" : "lr_scheduler_warmup_ratio",
        steps ? "warmup_steps" : "warmup_ratio");
    items.put("num_epochs", number("epoch", 4));
    items.put("global_step", Long.toString(run.lastStep()));
    put(items, "cutoff_len", "cutoff_len");
    put(items, "sequence_len", "sequence_len");
    items.put("precision", "float32");
    return "## Training procedure\n\n### Training hyperparameters\n\n"
        + (run.config().isEmpty() ? "Not recorded.\n" : list(items));
  }

  private Optional<String> minimum() {
    Matcher value =
        Pattern.compile("\"min_lr\":\"?([^,}\"]+)")
            .matcher(run.setting("lr_scheduler_kwargs").orElse(""));
    return value.find() ? Optional.of(value.group(1)) : Optional.empty();
  }

  private void put(Map<String, String> items, String name, String key) {
    run.setting(key).ifPresent(value -> items.put(name, value));
  }

  private long whole(String key) {
    return run.setting(key).filter(value -> value.matches("\\d+")).map(Long::parseLong).orElse(1L);
  }

  private String results() {
    List<String> keys = run.evaluationKeys();
    StringBuilder text =
        new StringBuilder("### Training results\n\n| Training loss | Epoch | Step |");
    keys.forEach(key -> text.append(' ').append(validation(key)).append(" |"));
    text.append("\n|--:|--:|--:|").append("--:|".repeat(keys.size())).append('\n');
    String loss = "";
    JsonNode last = run.history().path(run.history().size() - 1);
    for (JsonNode entry : run.history()) {
      loss = entry.has("loss") ? decimal(entry.get("loss").asDouble(), 4) : loss;
      boolean evaluated = keys.stream().anyMatch(entry::has);
      if (evaluated || (keys.isEmpty() && entry == last)) {
        text.append(
            "| %s | %s | %d |"
                .formatted(
                    loss.isEmpty() ? "no log" : loss,
                    decimal(entry.path("epoch").asDouble(), 4),
                    entry.path("step").asLong()));
        keys.forEach(key -> text.append(' ').append(value(entry, key)).append(" |"));
        text.append('\n');
      }
    }
    return text.toString();
  }

  private static String validation(String key) {
    return key.equals("eval_loss")
        ? "Validation loss"
        : "Validation loss: " + key.substring("eval_".length(), key.length() - "_loss".length());
  }

  private static String value(JsonNode entry, String key) {
    return entry.has(key) ? decimal(entry.get(key).asDouble(), 4) : "";
  }

  private String speeds() {
    Map<String, String> items = new LinkedHashMap<>();
    JsonNode results = run.results();
    if (!results.has("train_runtime")) {
      return "### Speeds, sizes, times\n\nThe run has not come to its end.\n";
    }
    int processes = run.facts().path("processes").size();
    items.put(
        "Train runtime",
        duration(results.path("train_runtime").asDouble())
            + (processes > 1 ? " (the last of %d processes)".formatted(processes) : ""));
    if (results.has("train_step_seconds")) {
      items.put("Time in optimizer steps", duration(results.path("train_step_seconds").asDouble()));
    }
    items.put("Train samples per second", number("train_samples_per_second", 3));
    items.put("Train steps per second", number("train_steps_per_second", 3));
    items.put("Tokens trained on", whole(results.path("num_input_tokens_seen").asLong()));
    items.put("Train loss", number("train_loss", 4));
    for (Map.Entry<String, JsonNode> field : results.properties()) {
      if (LossPlot.isEvaluationLoss(field.getKey())) {
        String perplexity = field.getKey().replaceFirst("_loss$", "_perplexity");
        items.put(
            validation(field.getKey()),
            "%s (perplexity %s)".formatted(number(field.getKey(), 4), number(perplexity, 2)));
      }
    }
    items.put("Total training FLOPs", scientific("model_flops"));
    items.put("FLOPs as transformers counts them (total_flos)", scientific("total_flos"));
    if (results.has("mfu")) {
      items.put(
          "Utilisation",
          "%s %% of the fastest matrix product of this machine"
              .formatted(decimal(100 * results.path("mfu").asDouble(), 1)));
    }
    if (results.has("peak_rss_bytes")) {
      items.put("Peak memory", gib(results.path("peak_rss_bytes").asDouble()));
    }
    return "### Speeds, sizes, times\n\n" + list(items);
  }

  private String samples() {
    if (run.samples().isEmpty()) {
      return "";
    }
    StringBuilder text =
        new StringBuilder("## Samples\n\nThe most probable continuation of each prompt, ");
    text.append("before the first step and after the last one taken.\n");
    for (String prompt : run.prompts()) {
      List<JsonNode> of = new ArrayList<>();
      run.samples()
          .forEach(
              sample -> {
                if (sample.path("prompt").asText().equals(prompt)) {
                  of.add(sample);
                }
              });
      text.append("\n**").append(oneLine(prompt)).append("**\n\n");
      for (JsonNode sample : of.size() == 1 ? of : List.of(of.getFirst(), of.getLast())) {
        text.append(
            "- step %d: %s\n"
                .formatted(
                    sample.path("step").asLong(),
                    code(oneLine(sample.path("completion").asText()))));
      }
    }
    return text.toString();
  }

  private String environment() {
    JsonNode software = run.facts().path("software");
    JsonNode machine = run.facts().path("machine");
    if (software.isMissingNode()) {
      return "";
    }
    Map<String, String> hardware = new LinkedHashMap<>();
    hardware.put(
        "Processor",
        machine.path("cpu").asText() + ", " + machine.path("processors").asInt() + " threads");
    if (machine.has("memory_bytes")) {
      hardware.put("Memory", gib(machine.path("memory_bytes").asDouble()));
    }
    hardware.put(
        "Backend",
        machine.path("backend").asText() + ": " + machine.path("backend_description").asText());
    Map<String, String> versions = new LinkedHashMap<>();
    versions.put("Yushan", software.path("yushan").asText());
    versions.put(
        "Java",
        software.path("java").asText() + " (" + software.path("java_vendor").asText() + ")");
    versions.put("Operating system", software.path("os").asText());
    return "## Environment\n\n### Hardware\n\n"
        + list(hardware)
        + "\n### Framework versions\n\n"
        + list(versions);
  }

  // ---- words -----------------------------------------------------------------------------------

  private long packed(String key) {
    return run.ledger().path("packed").path(key).asLong();
  }

  private String number(String key, int digits) {
    JsonNode value = run.results().path(key);
    return value.isNumber() ? decimal(value.asDouble(), digits) : "not recorded";
  }

  private String scientific(String key) {
    JsonNode value = run.results().path(key);
    return value.isNumber() ? String.format(Locale.ROOT, "%.4e", value.asDouble()) : "not recorded";
  }

  private static String list(Map<String, String> items) {
    StringBuilder text = new StringBuilder();
    items.forEach((name, value) -> text.append("- **%s:** %s\n".formatted(name, value)));
    return text.toString();
  }

  private static String whole(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /// At most so many digits after the point, without zeros at the end.
  static String decimal(double value, int digits) {
    String text = String.format(Locale.ROOT, "%." + digits + "f", value);
    return text.contains(".") ? text.replaceFirst("\\.?0+$", "") : text;
  }

  static String duration(double seconds) {
    long all = Math.round(seconds);
    return seconds < 60
        ? decimal(seconds, 2) + " s"
        : "%d:%02d:%02d".formatted(all / 3600, all / 60 % 60, all % 60);
  }

  private static String gib(double bytes) {
    return decimal(bytes / (1L << 30), 2) + " GiB";
  }

  private static String joined(JsonNode values, String otherwise) {
    List<String> words = new ArrayList<>();
    values.forEach(value -> words.add(value.asText()));
    if (values.isTextual()) {
      words.add(values.asText());
    }
    return words.isEmpty() ? otherwise : String.join(", ", words);
  }

  private static String cell(JsonNode node, String key) {
    return node.path(key).asText().replace("|", "\\|");
  }

  private static String oneLine(String text) {
    return text.strip().replaceAll("\\s*\\R\\s*", " ⏎ ");
  }

  /// A span of code with a fence longer than any row of backticks in it.
  private static String code(String text) {
    String fence = "`";
    while (text.contains(fence)) {
      fence += "`";
    }
    String space = text.isEmpty() || text.startsWith("`") || text.endsWith("`") ? " " : "";
    return fence + space + text + space + fence;
  }
}
