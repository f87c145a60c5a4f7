package dev.yushan.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.report.EventFile;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// The log entries of a run as TensorBoard shows them, under the tags that the
/// `TensorBoardCallback` of transformers gives them: `eval_loss` is `eval/loss`, all that is not of
/// an evaluation `train/…`.
final class TensorBoardLog implements AutoCloseable {
  static final String DIRECTORY = "runs";

  /// What `report_to` may name without a notice.
  static final List<String> REPORTERS = List.of("tensorboard", "all", "none", "false", "");

  private static final String EVALUATION = "eval_";

  private final EventFile events;

  private TensorBoardLog(EventFile events) {
    this.events = events;
  }

  /// Opens one if `report_to` asks for it.
  static Optional<TensorBoardLog> open(
      Path outputDir, TrainingConfig config, ObjectNode modelConfig, Progress start) {
    List<String> wanted = config.names("report_to");
    if (!wanted.contains("tensorboard") && !wanted.contains("all")) {
      return Optional.empty();
    }
    OptionalLong purge =
        start.steps() == 0 ? OptionalLong.empty() : OptionalLong.of(start.steps() + 1);
    EventFile events = EventFile.create(outputDir.resolve(DIRECTORY), purge);
    events.text(start.steps(), "args/text_summary", code(config.toYaml(), "yaml"));
    events.text(
        start.steps(), "model_config/text_summary", code(modelConfig.toPrettyString(), "json"));
    return Optional.of(new TensorBoardLog(events));
  }

  private static String code(String text, String language) {
    return "```" + language + "\n" + text.strip() + "\n```";
  }

  /// Records an entry of the history.
  void entry(ObjectNode entry) {
    Map<String, Double> scalars = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : entry.properties()) {
      if (field.getValue().isNumber() && !field.getKey().equals("step")) {
        scalars.put(tag(field.getKey()), field.getValue().asDouble());
      }
    }
    events.scalars(entry.path("step").asLong(), scalars);
  }

  private static String tag(String key) {
    return key.startsWith(EVALUATION)
        ? "eval/" + key.substring(EVALUATION.length())
        : "train/" + key;
  }

  /// Records what the model makes of a prompt.
  void sample(long step, int number, String prompt, String completion) {
    events.text(step, "samples/" + number, "**" + prompt + "** " + completion);
  }

  @Override
  public void close() {
    events.close();
  }
}
