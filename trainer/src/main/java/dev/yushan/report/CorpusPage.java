package dev.yushan.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import java.nio.file.Path;
import java.util.List;

/// `report.html` of a prepared corpus: what became of its documents, with examples, on one page
/// that needs nothing but itself.
public final class CorpusPage {
  public static final String FILE = "report.html";

  /// Settings that the corpus does not depend on; without them the page depends on it alone.
  private static final List<String> PLACE = List.of("output_dir", "threads");

  private CorpusPage() {}

  /// Writes the page into `directory` and returns its path.
  ///
  /// @param report as `report.json` has it
  public static Path write(Path directory, JsonNode report) {
    Path file = directory.resolve(FILE);
    DurableFiles.write(file, page(report));
    return file;
  }

  static String page(JsonNode report) {
    ObjectNode data = report.deepCopy();
    data.withObject("config").remove(PLACE);
    withoutPersonalData(data);
    String title = title(data.path("sources").findValuesAsText("name"));
    data.put("title", title);
    return HtmlPage.of(title, List.of("corpus.css"), List.of("corpus.js"), data);
  }

  private static String title(List<String> sources) {
    return sources.size() > 3
        ? "A corpus of %d sources".formatted(sources.size())
        : "Corpus: " + String.join(", ", sources);
  }

  /// Takes out of the examples what was found to be personal: a page is there to be passed on.
  private static void withoutPersonalData(ObjectNode data) {
    int pii = data.path("steps").valueStream().map(JsonNode::asText).toList().indexOf("pii");
    for (JsonNode source : data.path("sources")) {
      JsonNode examples = source.path("steps").path(pii).path("examples");
      examples.path("changed").forEach(example -> ((ObjectNode) example).remove("before"));
      examples
          .path("removed")
          .forEach(reason -> reason.forEach(example -> ((ObjectNode) example).remove("text")));
    }
  }
}
