package dev.yushan.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.data.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What the files of a run say, as reports need it. A file that is not there is empty here: a run
/// that goes on has no results, and one that transformers made has its history alone.
///
/// @param path the `output_dir` of the run
/// @param history log entries and evaluations under the names of `trainer_state.json`
/// @param totalSteps steps that the run is meant to take; 0 if unknown
/// @param results `all_results.json`, else `train_results.json`
/// @param ledger `token_ledger.json`
/// @param facts `run.json`
/// @param samples `samples.jsonl`
/// @param config `training_config.yaml`: each key with its value and where that came from
public record RunDirectory(
    Path path,
    ArrayNode history,
    long totalSteps,
    JsonNode results,
    JsonNode ledger,
    JsonNode facts,
    ArrayNode samples,
    Map<String, Setting> config) {

  /// A value of the configuration as text, and its origin.
  public record Setting(String value, String origin) {}

  private static final ObjectMapper JSON = new ObjectMapper();

  /// A line of `training_config.yaml`: the origin is behind the last ` # `, as a value may have
  /// some.
  private static final Pattern SETTING = Pattern.compile("(\\w+): (.*\\S) +# (.*)");

  /// Log lines have these names where the history has others.
  private static final Map<String, String> NAMES =
      Map.of("current_steps", "step", "lr", "learning_rate");

  /// Reads the directory.
  ///
  /// @throws IllegalArgumentException if there is no run in it
  public static RunDirectory read(Path path) {
    JsonNode state = json(path.resolve("trainer_state.json"));
    ArrayNode lines = lines(path.resolve("trainer_log.jsonl"));
    if (state.isMissingNode() && lines.isEmpty()) {
      throw new IllegalArgumentException(
          "%s has no trainer_log.jsonl and no trainer_state.json; name the output_dir of a training run"
              .formatted(path));
    }
    JsonNode all = json(path.resolve("all_results.json"));
    return new RunDirectory(
        path,
        lines.isEmpty() ? entries(state) : entries(lines),
        lines.isEmpty()
            ? state.path("max_steps").asLong()
            : lines.get(lines.size() - 1).path("total_steps").asLong(),
        all.isMissingNode() ? json(path.resolve("train_results.json")) : all,
        json(path.resolve("token_ledger.json")),
        json(path.resolve("run.json")),
        lines(path.resolve("samples.jsonl")),
        config(path.resolve("training_config.yaml")));
  }

  private static ArrayNode entries(JsonNode state) {
    ArrayNode entries = JsonNodeFactory.instance.arrayNode();
    for (JsonNode entry : state.path("log_history")) {
      if (entry.has("loss") || entry.has("spike") || evaluated(entry)) {
        entries.add(entry);
      }
    }
    return entries;
  }

  private static boolean evaluated(JsonNode entry) {
    return entry.propertyStream().anyMatch(field -> isEvaluationLoss(field.getKey()));
  }

  private static ArrayNode entries(ArrayNode lines) {
    ArrayNode entries = JsonNodeFactory.instance.arrayNode();
    for (JsonNode line : lines) {
      ObjectNode entry = entries.addObject();
      line.properties()
          .forEach(
              field ->
                  entry.set(NAMES.getOrDefault(field.getKey(), field.getKey()), field.getValue()));
    }
    return entries;
  }

  // ---- what reports ask ------------------------------------------------------------------------

  /// The last step that is known of: what is saved may be beyond what was logged last.
  long lastStep() {
    long logged = history.isEmpty() ? 0 : history.get(history.size() - 1).path("step").asLong();
    return Math.max(logged, lastProcess().path("to_step").asLong());
  }

  /// Steps that were left out: every spike has an entry, however rarely losses are logged.
  long skippedSteps() {
    long steps = 0;
    for (JsonNode entry : history) {
      steps += entry.path("spike_action").asText().equals("skip") ? 1 : 0;
    }
    return steps;
  }

  /// Tokens seen up to the last step that is known of; 0 if that is not.
  long tokens() {
    JsonNode last = history.path(history.size() - 1);
    return results.has("num_input_tokens_seen")
        ? results.get("num_input_tokens_seen").asLong()
        : Math.max(last.path("total_tokens").asLong(), lastProcess().path("tokens").asLong());
  }

  private JsonNode lastProcess() {
    JsonNode processes = facts.path("processes");
    return processes.path(processes.size() - 1);
  }

  /// Why the run ended before its last step, for example `SIGINT`; empty if it did not, or was cut
  /// off.
  Optional<String> stoppedBy() {
    return Optional.of(lastProcess().path("stopped_by").asText()).filter(why -> !why.isEmpty());
  }

  /// The spikes that were found.
  List<JsonNode> spikes() {
    return history.valueStream().filter(entry -> entry.has("spike")).toList();
  }

  /// Whether the run came to its end.
  boolean finished() {
    return results.has("train_loss");
  }

  /// The losses on held-out data, in the order they first came.
  List<String> evaluationKeys() {
    return evaluationKeys(history);
  }

  static List<String> evaluationKeys(JsonNode history) {
    return history
        .valueStream()
        .flatMap(entry -> entry.propertyStream().map(Map.Entry::getKey))
        .filter(RunDirectory::isEvaluationLoss)
        .distinct()
        .toList();
  }

  /// The loss of one held-out dataset: `eval_loss`, or `eval_<name>_loss`.
  static boolean isEvaluationLoss(String key) {
    return key.startsWith("eval_") && key.endsWith("_loss");
  }

  /// The value of a key of the configuration; empty if it has none.
  Optional<String> setting(String key) {
    return Optional.ofNullable(config.get(key)).map(Setting::value);
  }

  /// The prompts that were completed, in order.
  List<String> prompts() {
    return samples.valueStream().map(sample -> sample.path("prompt").asText()).distinct().toList();
  }

  /// What the model made of a prompt, in the order of steps.
  List<JsonNode> samplesOf(String prompt) {
    return samples
        .valueStream()
        .filter(sample -> sample.path("prompt").asText().equals(prompt))
        .toList();
  }

  // ---- files -----------------------------------------------------------------------------------

  private static JsonNode json(Path file) {
    if (!Files.isRegularFile(file)) {
      return JsonNodeFactory.instance.missingNode();
    }
    try {
      return JSON.readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw new DataException(
          "%s is damaged: %s; delete it, or restore it from a checkpoint"
              .formatted(file, e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /// The objects of a file with one a line; a last line that is not finished yet is none.
  private static ArrayNode lines(Path file) {
    ArrayNode lines = JsonNodeFactory.instance.arrayNode();
    if (Files.isRegularFile(file)) {
      try {
        // a line may be cut off in the midst of a character
        String all = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        all.lines().forEach(line -> object(line).ifPresent(lines::add));
      } catch (IOException e) {
        throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
      }
    }
    return lines;
  }

  private static Optional<ObjectNode> object(String line) {
    try {
      return JSON.readTree(line) instanceof ObjectNode object
          ? Optional.of(object)
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  private static Map<String, Setting> config(Path file) {
    Map<String, Setting> settings = new LinkedHashMap<>();
    if (Files.isRegularFile(file)) {
      try {
        for (String line : Files.readAllLines(file)) {
          Matcher setting = SETTING.matcher(line);
          if (setting.matches()) {
            settings.put(
                setting.group(1), new Setting(unquoted(setting.group(2)), setting.group(3)));
          }
        }
      } catch (IOException e) {
        throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
      }
    }
    return settings;
  }

  private static String unquoted(String value) {
    try {
      return value.startsWith("\"") ? JSON.readTree(value).asText() : value;
    } catch (JsonProcessingException e) {
      return value;
    }
  }
}
