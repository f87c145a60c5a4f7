package dev.yushan.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/// `report.html`: all that is known of a run on one page that needs nothing but itself, to be
/// looked at, mailed or archived. Its numbers are in it as JSON, and a script draws them.
public final class HtmlReport {
  /// The name of the page.
  static final String FILE = "report.html";

  private static final ObjectMapper JSON = new ObjectMapper();

  private HtmlReport() {}

  /// Writes the page of a run and returns its path.
  public static Path write(RunDirectory run) {
    Path file = run.path().resolve(FILE);
    DurableFiles.write(file, page(run));
    return file;
  }

  static String page(RunDirectory run) {
    String title = run.path().toAbsolutePath().normalize().getFileName().toString();
    return HtmlPage.of(title, List.of(), List.of("report.js"), data(run, title));
  }

  private static ObjectNode data(RunDirectory run, String title) {
    ObjectNode data = JSON.createObjectNode();
    data.put("title", title);
    data.put("lead", lead(run));
    data.put("finished", run.finished());
    data.put("stoppedBy", run.stoppedBy().orElse(""));
    data.put("step", run.lastStep());
    data.put("totalSteps", run.totalSteps());
    data.set("history", run.history());
    data.set("evaluations", JSON.valueToTree(run.evaluationKeys()));
    data.set("results", objectOf(run.results()));
    data.set("ledger", objectOf(run.ledger()));
    data.set("facts", objectOf(run.facts()));
    data.set("samples", run.samples());
    ArrayNode config = data.putArray("config");
    run.config()
        .forEach(
            (key, setting) ->
                config
                    .addObject()
                    .put("key", key)
                    .put("value", setting.value())
                    .put("origin", setting.origin()));
    return data;
  }

  private static JsonNode objectOf(JsonNode node) {
    return node.isObject() ? node : JSON.createObjectNode();
  }

  private static String lead(RunDirectory run) {
    JsonNode base = run.facts().path("base");
    JsonNode parameters = run.facts().path("model").path("parameters");
    if (base.isMissingNode()) {
      return "";
    }
    String what =
        base.path("train_from_scratch").asBoolean()
            ? "Pre-training from fresh weights"
            : "Continued pre-training of " + base.path("id").asText(base.path("name").asText());
    return String.format(
        Locale.ROOT,
        "%s, %,d parameters, on %s",
        what,
        parameters.asLong(),
        run.facts().path("machine").path("cpu").asText());
  }
}
