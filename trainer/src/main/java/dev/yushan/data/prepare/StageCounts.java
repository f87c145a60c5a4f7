package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What a stage did to the documents of a shard, and the sum of such counts.
///
/// In the report a document's tokens are counted once: those of its text when it left, dropped or
/// at the end. So they add up, and nothing is tokenised twice.
final class StageCounts {
  private static final int EXAMPLES = 4;

  /// Documents, their characters (code points) and tokens.
  record Amount(long documents, long characters, long tokens) {
    static final Amount NONE = new Amount(0, 0, 0);

    Amount plus(Amount other) {
      return new Amount(
          documents + other.documents, characters + other.characters, tokens + other.tokens);
    }

    Amount minus(Amount other) {
      return new Amount(
          documents - other.documents, characters - other.characters, tokens - other.tokens);
    }

    Amount withTokens(long counted) {
      return new Amount(documents, characters, counted);
    }

    ObjectNode toJson() {
      return Settings.MAPPER.valueToTree(this);
    }

    static Amount of(JsonNode json) {
      return new Amount(
          json.path("documents").asLong(),
          json.path("characters").asLong(),
          json.path("tokens").asLong());
    }
  }

  Amount in = Amount.NONE;
  Amount out = Amount.NONE;
  long changed;
  final Map<String, Amount> removed = new TreeMap<>();
  final Map<String, Long> notes = new TreeMap<>();
  final List<JsonNode> changes = new ArrayList<>();
  final Map<String, List<JsonNode>> removals = new TreeMap<>();

  /// Counts what became of a document.
  void add(CorpusRecord before, Outcome after) {
    Amount was = characters(before.text());
    in = in.plus(was);
    after.notes().forEach((name, count) -> notes.merge(name, count, Long::sum));
    switch (after) {
      case Outcome.Dropped(String reason, String detail, Map<String, Long> counted) ->
          remove(before, reason, detail, was);
      case Outcome.Kept(String text, Map<String, Long> counted) -> {
        boolean same = text.equals(before.text());
        out = out.plus(same ? was : characters(text));
        changed += same ? 0 : 1;
        if (!same && changes.size() < EXAMPLES) {
          changes.add(Excerpt.ofChange(before, text));
        }
      }
    }
  }

  /// Counts a document that was dropped.
  void remove(CorpusRecord document, String reason, String detail, Amount amount) {
    removed.merge(reason, amount, Amount::plus);
    List<JsonNode> examples = removals.computeIfAbsent(reason, r -> new ArrayList<>());
    if (examples.size() < EXAMPLES) {
      examples.add(Excerpt.ofRemoved(document, detail));
    }
  }

  static Amount characters(String text) {
    return new Amount(1, text.codePointCount(0, text.length()), 0);
  }

  void add(StageCounts other) {
    in = in.plus(other.in);
    out = out.plus(other.out);
    changed += other.changed;
    other.removed.forEach((reason, amount) -> removed.merge(reason, amount, Amount::plus));
    other.notes.forEach((name, count) -> notes.merge(name, count, Long::sum));
    addExamples(changes, other.changes);
    other.removals.forEach(
        (reason, examples) ->
            addExamples(removals.computeIfAbsent(reason, r -> new ArrayList<>()), examples));
  }

  private static void addExamples(List<JsonNode> to, List<JsonNode> from) {
    from.stream().limit(Math.max(0, EXAMPLES - to.size())).forEach(to::add);
  }

  /// Puts in the tokens, which are counted when all stages are through.
  ///
  /// @param gone tokens of what was dropped, by reason
  /// @param left tokens of what was not
  void setTokens(Map<String, Long> gone, long left) {
    out = out.withTokens(left);
    removed.replaceAll((reason, amount) -> amount.withTokens(gone.getOrDefault(reason, 0L)));
    in = in.withTokens(left + removed().tokens());
  }

  /// All documents that were dropped.
  Amount removed() {
    return removed.values().stream().reduce(Amount.NONE, Amount::plus);
  }

  /// What is said of the first document that was dropped.
  String example() {
    return removals.values().iterator().next().getFirst().path("detail").asText();
  }

  ObjectNode toJson() {
    ObjectNode json = Settings.MAPPER.createObjectNode();
    json.set("in", in.toJson());
    json.set("out", out.toJson());
    json.put("changed", changed);
    ObjectNode reasons = json.putObject("removed");
    removed.forEach((reason, amount) -> reasons.set(reason, amount.toJson()));
    json.set("notes", Settings.MAPPER.valueToTree(notes));
    ObjectNode examples = json.putObject("examples");
    examples.putArray("changed").addAll(changes);
    ObjectNode gone = examples.putObject("removed");
    removals.forEach((reason, list) -> gone.putArray(reason).addAll(list));
    return json;
  }

  static StageCounts of(JsonNode json) {
    StageCounts counts = new StageCounts();
    counts.in = Amount.of(json.path("in"));
    counts.out = Amount.of(json.path("out"));
    counts.changed = json.path("changed").asLong();
    json.path("removed")
        .properties()
        .forEach(entry -> counts.removed.put(entry.getKey(), Amount.of(entry.getValue())));
    json.path("notes")
        .properties()
        .forEach(entry -> counts.notes.put(entry.getKey(), entry.getValue().asLong()));
    json.path("examples").path("changed").forEach(counts.changes::add);
    json.path("examples")
        .path("removed")
        .properties()
        .forEach(
            entry -> {
              List<JsonNode> list = new ArrayList<>();
              ((ArrayNode) entry.getValue()).forEach(list::add);
              counts.removals.put(entry.getKey(), list);
            });
    return counts;
  }
}
