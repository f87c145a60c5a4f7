package dev.yushan.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.config.NearestKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/// What the Hugging Face Hub takes in the metadata of a model card ("Model Cards" and "Licenses" of
/// its manual). It takes fields of one's own as well, so that only a slip of one it knows is an
/// error here.
final class CardFields {
  private static final Pattern LANGUAGE = Pattern.compile("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*");
  private static final List<String> NO_LANGUAGE = List.of("code", "multilingual");

  private static final List<String> LICENSES =
      List.of(
          """
          apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m
          bigscience-bloom-rail-1.0 bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause
          bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0
          cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0
          cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
          cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0
          etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc
          h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl
          openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr
          deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2
          llama3.3 llama4 grok2-community gemma unknown other
          """
              .strip()
              .split("\\s+"));

  /// A field with what its value, or each of several, must be.
  private record Field(String what, Predicate<JsonNode> holds) {}

  private static final Field TEXT = new Field("a text", JsonNode::isTextual);
  private static final Field OBJECT = new Field("a list of objects", JsonNode::isObject);
  private static final Field ANY = new Field("anything", value -> true);

  private static final Map<String, Field> FIELDS =
      Map.ofEntries(
          Map.entry("language", new Field("a code such as zh or zh-TW", CardFields::isLanguage)),
          Map.entry("license", new Field("an id that the Hub knows", CardFields::isLicense)),
          Map.entry("license_name", TEXT),
          Map.entry("license_link", TEXT),
          Map.entry("library_name", TEXT),
          Map.entry("pipeline_tag", TEXT),
          Map.entry("tags", TEXT),
          Map.entry("datasets", TEXT),
          Map.entry("metrics", TEXT),
          Map.entry("base_model", TEXT),
          Map.entry("base_model_relation", TEXT),
          Map.entry("new_version", TEXT),
          Map.entry("thumbnail", TEXT),
          Map.entry("widget", OBJECT),
          Map.entry("model-index", OBJECT),
          Map.entry("model_name", TEXT),
          Map.entry("inference", ANY),
          Map.entry("co2_eq_emissions", ANY),
          Map.entry("extra_gated_prompt", TEXT),
          Map.entry("extra_gated_fields", ANY));

  private CardFields() {}

  /// Throws an [IllegalArgumentException] that says what is wrong with a field, if anything is.
  ///
  /// @param where the fields are from, to begin the message with
  static void check(ObjectNode metadata, Object where) {
    metadata.properties().forEach(field -> check(field.getKey(), field.getValue(), where));
    if (metadata.path("license").asText().equals("other") && !metadata.has("license_name")) {
      throw new IllegalArgumentException(
          where + ": license: other needs license_name: the name of the license");
    }
  }

  private static void check(String name, JsonNode value, Object where) {
    if (!FIELDS.containsKey(name)) {
      NearestKey.of(name, FIELDS.keySet())
          .ifPresent(
              near -> {
                throw new IllegalArgumentException(
                    "%s: the Hub knows no field %s; did you mean %s?".formatted(where, name, near));
              });
      return;
    }
    Field field = FIELDS.get(name);
    Optional<JsonNode> wrong =
        value.isArray()
            ? StreamSupport.stream(value.spliterator(), false)
                .filter(field.holds.negate())
                .findFirst()
            : Optional.of(value).filter(field.holds.negate());
    if (wrong.isPresent()) {
      String hint =
          name.equals("license")
              ? NearestKey.of(wrong.get().asText(), LICENSES)
                  .map(near -> "; did you mean %s?".formatted(near))
                  .orElse("; for one of its own write other, with license_name")
              : "";
      throw new IllegalArgumentException(
          "%s: %s must be %s, not %s%s".formatted(where, name, field.what, wrong.get(), hint));
    }
  }

  private static boolean isLanguage(JsonNode value) {
    return value.isTextual()
        && (LANGUAGE.matcher(value.asText()).matches() || NO_LANGUAGE.contains(value.asText()));
  }

  private static boolean isLicense(JsonNode value) {
    return value.isTextual() && LICENSES.contains(value.asText());
  }
}
