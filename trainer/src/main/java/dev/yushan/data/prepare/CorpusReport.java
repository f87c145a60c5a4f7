package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.data.PreparedCorpus;
import dev.yushan.data.prepare.StageCounts.Amount;
import dev.yushan.io.DurableFiles;
import dev.yushan.report.CorpusPage;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// What became of all documents: the ledger, with examples. It is made of the statistics in the
/// layers, and has nothing in it that another run on the same data would have otherwise.
///
/// @param json as `report.json` has it
public record CorpusReport(ObjectNode json) {
  static final String FILE = "report.json";

  /// The counts of a source, step by step.
  private record SourceCounts(List<StageCounts> steps, TreeMap<Integer, Long> lengths) {
    Amount out() {
      return steps.getLast().out;
    }

    /// Throws unless all documents are accounted for: those that come into a step are those that
    /// the step before let through, and what comes in goes out or is removed.
    SourceCounts check(String source) {
      for (int s = 0; s < steps.size(); s++) {
        StageCounts step = steps.get(s);
        long pieces = step.notes.getOrDefault("pieces", 0L) - step.notes.getOrDefault("split", 0L);
        equal(
            source,
            s,
            step.in.documents() + pieces,
            step.out.documents() + step.removed().documents());
        if (s > 0) {
          equal(source, s, step.in.documents(), steps.get(s - 1).out.documents());
          equal(source, s, step.in.characters(), steps.get(s - 1).out.characters());
        }
      }
      return this;
    }

    private static void equal(String source, int step, long left, long right) {
      if (left != right) {
        throw new IllegalStateException(
            "the ledger of %s does not add up at step %d: %d ≠ %d: a defect, please report it"
                .formatted(source, step, left, right));
      }
    }
  }

  static CorpusReport of(
      CorpusConfig config, List<Lane> lanes, List<Part> parts, Optional<Deduplication> duplicates) {
    Map<String, SourceCounts> counts = new LinkedHashMap<>();
    for (SourceSpec source : config.sources()) {
      List<Lane> own = lanes.stream().filter(lane -> lane.source().equals(source)).toList();
      counts.put(source.name(), count(own).check(source.name()));
    }
    ObjectNode json = Settings.MAPPER.createObjectNode();
    json.set("config", config.toJson());
    json.set("steps", Settings.MAPPER.valueToTree(lanes.getFirst().steps()));
    ArrayNode sources = json.putArray("sources");
    Map<String, Double> epochs = Mixing.epochs(config, tokens(counts));
    for (SourceSpec source : config.sources()) {
      SourceCounts count = counts.get(source.name());
      ObjectNode one = sources.addObject();
      one.put("name", source.name()).put("role", Settings.word(source.role()));
      one.put("files", lanes.stream().filter(l -> l.source().equals(source)).count());
      one.set("read", count.steps.getFirst().in.toJson());
      one.set("written", count.out().toJson());
      one.put("epochs", epochs.get(source.name()));
      ArrayNode steps = one.putArray("steps");
      count.steps.forEach(step -> steps.add(step.toJson()));
      one.set("lengths", Settings.MAPPER.valueToTree(count.lengths));
      ArrayNode files = one.putArray("parts");
      parts.stream()
          .filter(part -> part.lane().source().equals(source))
          .forEach(part -> files.add(part.file().toString()));
    }
    duplicates.ifPresent(dedup -> json.set("duplicates", dedup.summary()));
    return new CorpusReport(json);
  }

  /// Documents that were written to train on.
  public long trainingDocuments() {
    long documents = 0;
    for (JsonNode source : json.path("sources")) {
      if (source.path("role").asText().equals("train")) {
        documents += source.at("/written/documents").asLong();
      }
    }
    return documents;
  }

  private static Map<String, Long> tokens(Map<String, SourceCounts> counts) {
    Map<String, Long> tokens = new LinkedHashMap<>();
    counts.forEach((name, count) -> tokens.put(name, count.out().tokens()));
    return tokens;
  }

  // ---- counting --------------------------------------------------------------------------------

  private static SourceCounts count(List<Lane> lanes) {
    int steps = lanes.getFirst().steps().size();
    List<StageCounts> sums = new ArrayList<>();
    TreeMap<Integer, Long> lengths = new TreeMap<>();
    Map<Integer, Map<String, Long>> gone = new TreeMap<>();
    for (int step = 0; step < steps; step++) {
      sums.add(new StageCounts());
      for (Lane lane : lanes) {
        for (int shard = 0; shard < lane.shards().orElseThrow(); shard++) {
          JsonNode statistics = statistics(lane, step, shard);
          sums.getLast().add(StageCounts.of(statistics));
          add(statistics, gone, lengths);
        }
      }
    }
    Amount after = sums.getLast().in;
    for (int step = steps - 2; step >= 0; step--) {
      StageCounts sum = sums.get(step);
      sum.setTokens(gone.getOrDefault(step, Map.of()), after.tokens());
      after = sum.in;
    }
    return new SourceCounts(sums, lengths);
  }

  /// What a step counted in a shard.
  static JsonNode statistics(Lane lane, int step, int shard) {
    try (Arena arena = Arena.ofConfined()) {
      return Layer.open(lane.layer(step, shard), arena).orElseThrow().statistics();
    }
  }

  private static void add(
      JsonNode statistics, Map<Integer, Map<String, Long>> gone, Map<Integer, Long> lengths) {
    for (Map.Entry<String, JsonNode> step : statistics.path("gone").properties()) {
      Map<String, Long> reasons =
          gone.computeIfAbsent(Integer.parseInt(step.getKey()), s -> new TreeMap<>());
      step.getValue()
          .properties()
          .forEach(reason -> reasons.merge(reason.getKey(), reason.getValue().asLong(), Long::sum));
    }
    for (Map.Entry<String, JsonNode> bin : statistics.path("lengths").properties()) {
      lengths.merge(Integer.parseInt(bin.getKey()), bin.getValue().asLong(), Long::sum);
    }
  }

  // ---- output ----------------------------------------------------------------------------------

  /// Writes `report.json`, `report.html`, and `corpus.json`, by which training knows the directory.
  void write(Path output) {
    DurableFiles.write(output.resolve(FILE), json.toPrettyString() + "\n");
    CorpusPage.write(output, json);
    ObjectNode corpus = Settings.MAPPER.createObjectNode().put("format", PreparedCorpus.FORMAT);
    corpus.put("seed", json.path("config").path("seed").asLong());
    ArrayNode sources = corpus.putArray("sources");
    for (JsonNode source : json.path("sources")) {
      ObjectNode one = sources.addObject();
      one.put("name", source.path("name").asText()).put("role", source.path("role").asText());
      one.put("epochs", source.path("epochs").asDouble());
      one.set("documents", source.path("written").path("documents"));
      one.set("tokens", source.path("written").path("tokens"));
      one.set("files", source.path("parts"));
    }
    DurableFiles.write(output.resolve(PreparedCorpus.FILE), corpus.toPrettyString() + "\n");
  }

  /// A table for people: a line a step, over all sources.
  @Override
  public String toString() {
    StringBuilder table = new StringBuilder();
    for (JsonNode source : json.path("sources")) {
      line(table, source.path("name").asText(), "documents", "characters", "tokens");
      JsonNode steps = source.path("steps");
      for (int s = 0; s < steps.size(); s++) {
        String name = json.path("steps").get(s).asText();
        line(table, "  " + name, steps.get(s).path("out"));
        for (Map.Entry<String, JsonNode> reason : steps.get(s).path("removed").properties()) {
          line(table, "    − " + reason.getKey().replace('_', ' '), reason.getValue());
        }
      }
    }
    return table.toString().stripTrailing();
  }

  private static void line(StringBuilder table, String what, JsonNode amount) {
    line(
        table,
        what,
        number(amount.path("documents")),
        number(amount.path("characters")),
        number(amount.path("tokens")));
  }

  private static String number(JsonNode value) {
    return String.format(Locale.ROOT, "%,d", value.asLong());
  }

  private static void line(StringBuilder table, String what, String... values) {
    table.append(String.format("%-28s%14s%18s%16s%n", what, values[0], values[1], values[2]));
  }
}
