package dev.yushan.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The rules of the Hugging Face Hub for the metadata of a model card, as its documentation ("Model
/// Cards", "Licenses", `modelcard.md` of hub-docs) has them.
final class HubMetadata {
  private static final Pattern BLOCK = Pattern.compile("\\A---\\n(.*?)\\n---\\n", Pattern.DOTALL);

  /// Identifiers of the "Licenses" page that models are met under.
  private static final Set<String> LICENSES =
      Set.of(
          "apache-2.0",
          "mit",
          "openrail",
          "bsd-3-clause",
          "cc-by-4.0",
          "cc-by-sa-4.0",
          "cc-by-nc-4.0",
          "cc0-1.0",
          "gpl-3.0",
          "llama2",
          "llama3",
          "llama3.1",
          "llama3.2",
          "llama3.3",
          "gemma",
          "unknown",
          "other");

  private static final Predicate<String> REPOSITORY =
      id ->
          id.matches("([\\w-][\\w.-]{0,95}/)?[\\w-][\\w.-]{0,95}")
              && !id.contains("..")
              && !id.matches(".*\\.(jsonl?|parquet|txt|csv)");

  private static final Map<String, Predicate<JsonNode>> FIELDS =
      Map.ofEntries(
          Map.entry("base_model", node -> oneOrMore(node, REPOSITORY)),
          Map.entry("library_name", node -> text(node, "[a-z][\\w-]*")),
          Map.entry("datasets", node -> oneOrMore(node, REPOSITORY)),
          Map.entry(
              "language",
              node ->
                  oneOrMore(
                      node, code -> code.matches("[a-z]{2,3}(-[A-Za-z]{2,4})?|multilingual|code"))),
          Map.entry("license", node -> node.isTextual() && LICENSES.contains(node.asText())),
          Map.entry("license_name", node -> text(node, "[a-z0-9.-]+")),
          Map.entry("license_link", node -> text(node, "LICENSE(\\.md)?|https?://.*")),
          Map.entry("tags", node -> node.isArray() && oneOrMore(node, tag -> !tag.isBlank())),
          Map.entry("pipeline_tag", node -> text(node, "text-generation")),
          Map.entry("widget", HubMetadata::isWidget));

  private HubMetadata() {}

  /// The metadata of a card that keeps the rules.
  static JsonNode require(String card) {
    Matcher block = BLOCK.matcher(card);
    assertThat(block.find()).as("YAML between lines of --- at the top").isTrue();
    JsonNode metadata;
    try {
      metadata = new YAMLMapper().readTree(block.group(1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(metadata.isObject()).isTrue();
    metadata
        .properties()
        .forEach(
            field -> {
              assertThat(FIELDS).containsKey(field.getKey());
              assertThat(FIELDS.get(field.getKey()).test(field.getValue()))
                  .as("%s: %s", field.getKey(), field.getValue())
                  .isTrue();
            });
    if (metadata.path("license").asText().equals("other")) {
      assertThat(List.of("license_name", "license_link")).allMatch(metadata::has);
    }
    return metadata;
  }

  private static boolean text(JsonNode node, String pattern) {
    return node.isTextual() && node.asText().matches(pattern);
  }

  private static boolean oneOrMore(JsonNode node, Predicate<String> rule) {
    if (node.isTextual()) {
      return rule.test(node.asText());
    }
    boolean all = node.isArray() && !node.isEmpty();
    for (JsonNode one : node) {
      all &= one.isTextual() && rule.test(one.asText());
    }
    return all;
  }

  private static boolean isWidget(JsonNode node) {
    boolean all = node.isArray() && !node.isEmpty();
    for (JsonNode example : node) {
      all &= example.isObject() && example.path("text").isTextual();
    }
    return all;
  }
}
