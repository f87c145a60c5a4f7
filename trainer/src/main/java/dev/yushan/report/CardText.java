package dev.yushan.report;

import static dev.yushan.report.CardWords.cell;
import static dev.yushan.report.CardWords.code;
import static dev.yushan.report.CardWords.decimal;
import static dev.yushan.report.CardWords.gib;
import static dev.yushan.report.CardWords.joined;
import static dev.yushan.report.CardWords.list;
import static dev.yushan.report.CardWords.oneLine;
import static dev.yushan.report.CardWords.whole;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
        new CardTraining(run).section(),
        samples(),
        environment());
  }

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
    String loss =
        run.results().has("train_loss")
            ? ", a mean training loss of " + decimal(run.results().path("train_loss"), 4)
            : "";
    String training =
        " with %s tokens in %s steps%s%s.%s"
            .formatted(whole(run.tokens()), whole(run.lastStep()), share(), loss, skipped());
    return from + training + "\n" + unfinished();
  }

  /// Steps that were left out as spikes count among the others, but taught nothing.
  private String skipped() {
    long steps = run.skippedSteps();
    return steps == 0
        ? ""
        : " %s of the steps were left out as spikes (`on_spike: skip`) and changed no weight."
            .formatted(whole(steps));
  }

  /// How much of the corpus that is: a few steps are not all of it.
  private String share() {
    double corpus = packed("tokens").asDouble();
    if (corpus == 0) {
      return "";
    }
    double passes = run.tokens() / corpus;
    return ", %s a corpus of %s documents, %s tokens"
        .formatted(
            passes < 1 ? percent(passes) + " of" : decimal(passes, 2) + " passes over",
            whole(packed("documents")),
            whole(packed("tokens")));
  }

  private static String percent(double share) {
    return share < 0.0001 ? "less than 0.01 %" : decimal(100 * share, 2) + " %";
  }

  private String unfinished() {
    return run.finished()
        ? ""
        : """

        > **The run is not finished:** it has come to step %s%s%s.
        """
            .formatted(
                whole(run.lastStep()),
                run.totalSteps() > 0 ? " of " + whole(run.totalSteps()) : "",
                run.stoppedBy().map(why -> ", stopped by " + why).orElse(""));
  }

  private JsonNode packed(String key) {
    return run.ledger().path("packed").path(key);
  }

  private String description() {
    JsonNode model = run.facts().path("model");
    Map<String, String> items = new LinkedHashMap<>();
    items.put("Model type", model.path("architecture").asText(""));
    items.put("Parameters", whole(model.path("parameters")));
    items.put(
        "Shape",
        "%d layers, hidden size %d, %d heads (%d for keys and values), vocabulary %s%s"
            .formatted(
                model.path("num_hidden_layers").asInt(),
                model.path("hidden_size").asInt(),
                model.path("num_attention_heads").asInt(),
                model.path("num_key_value_heads").asInt(),
                whole(model.path("vocab_size")),
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
    boolean nameless =
        !metadata.has("base_model")
            && !run.facts().path("base").path("train_from_scratch").asBoolean();
    notice +=
        nameless
            ? """

            > **The base model is a local directory.** If it is on the Hub, put its id as \
            `base_model: org/name` into `card.yaml`.
            """
            : "";
    return "## Model description\n\n" + (model.isMissingNode() ? "" : list(items)) + notice;
  }

  private String data() {
    StringBuilder text = new StringBuilder("## Training data\n\n");
    table(text, run.facts().path("datasets"));
    if (!run.facts().path("eval_datasets").isEmpty()) {
      text.append("\nEvaluated on:\n\n");
      table(text, run.facts().path("eval_datasets"));
    }
    return text.toString();
  }

  private static void table(StringBuilder text, JsonNode datasets) {
    text.append("| Dataset | Documents | Tokens |\n|:--|--:|--:|\n");
    long documents = 0;
    long tokens = 0;
    for (JsonNode dataset : datasets) {
      text.append(
          "| %s | %s | %s |\n"
              .formatted(
                  cell(dataset.path("name")),
                  whole(dataset.path("documents")),
                  whole(dataset.path("tokens"))));
      documents += dataset.path("documents").asLong();
      tokens += dataset.path("tokens").asLong();
    }
    if (datasets.size() > 1) {
      text.append("| **all** | **%s** | **%s** |\n".formatted(whole(documents), whole(tokens)));
    }
  }

  private String preprocessing() {
    return "### Preprocessing\n\n"
        + (run.ledger().has("read")
            ? "- " + String.join("\n- ", preprocessingSteps()) + "\n"
            : "Not recorded.\n");
  }

  private List<String> preprocessingSteps() {
    JsonNode read = run.ledger().path("read");
    List<String> steps = new ArrayList<>();
    steps.add(
        "%s records were read: %s bad and %s empty ones left out."
            .formatted(
                whole(read.path("records")), whole(read.path("bad")), whole(read.path("empty"))));
    steps.add(
        "A text becomes %stokens%s."
            .formatted(
                read.path("bos_tokens").asLong() > 0 ? "BOS, " : "",
                read.path("eos_tokens").asLong() > 0 ? ", EOS" : ""));
    steps.addAll(notTaken());
    JsonNode excess = run.ledger().path("excess");
    steps.add(
        "Documents of more than %s tokens: %s dropped (%s tokens), %s split (%s tokens)%s."
            .formatted(
                run.setting("cutoff_len").orElse("?"),
                whole(excess.path("dropped_documents")),
                whole(excess.path("dropped_tokens")),
                whole(excess.path("split_documents")),
                whole(excess.path("split_tokens")),
                excess.path("split_pieces").asLong() > 0
                    ? " into %s pieces, each of which counts as a document above"
                        .formatted(whole(excess.path("split_pieces")))
                    : ""));
    steps.add(
        "Packing `%s`: %s sequences of up to %s tokens; %s tokens are predicted in an epoch."
            .formatted(
                packed("packing").asText(),
                whole(packed("rows")),
                whole(packed("sequence_len")),
                whole(packed("targets"))));
    return steps;
  }

  private List<String> notTaken() {
    List<String> steps = new ArrayList<>();
    JsonNode selected = run.ledger().path("selected");
    if (selected.path("beyond_documents").asLong() > 0) {
      steps.add(
          "Not taken (`max_samples`): %s documents, %s tokens."
              .formatted(
                  whole(selected.path("beyond_documents")), whole(selected.path("beyond_tokens"))));
    }
    if (selected.path("other_documents").asLong() > 0) {
      steps.add(
          "Held out for evaluation (`val_size`): %s documents, %s tokens."
              .formatted(
                  whole(selected.path("other_documents")), whole(selected.path("other_tokens"))));
    }
    return steps;
  }

  private String samples() {
    if (run.samples().isEmpty()) {
      return "";
    }
    StringBuilder text =
        new StringBuilder("## Samples\n\nThe most probable continuation of each prompt, ");
    text.append("before the first step and after the last one taken.\n");
    for (String prompt : run.prompts()) {
      List<JsonNode> of = run.samplesOf(prompt);
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
      hardware.put("Memory", gib(machine.path("memory_bytes")));
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
}
