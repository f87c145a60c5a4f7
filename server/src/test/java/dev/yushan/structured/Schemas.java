package dev.yushan.structured;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// Schemas to test and measure with, and a plain check of a value against one.
final class Schemas {
  static final String PERSON =
      """
      {"type": "object", "properties": {
         "name": {"type": "string", "minLength": 1, "maxLength": 20},
         "age": {"type": "integer", "minimum": 0, "maximum": 130},
         "score": {"type": "number", "minimum": 0, "maximum": 1},
         "city": {"enum": ["台北", "台中", "高雄"]},
         "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
         "manager": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
       "required": ["name", "age", "city"], "additionalProperties": false}\
      """;

  static final String EVENT =
      """
      {"type": "object", "properties": {
         "id": {"type": "string", "pattern": "^[A-Z]{2}-\\\\d{4}$"},
         "note": {"type": "string", "pattern": "[\\"\\\\\\\\中]x"},
         "at": {"type": "array", "prefixItems": [{"type": "number"}, {"type": ["boolean", "null"]}]},
         "more": {"type": "object", "additionalProperties": {"type": "integer"}},
         "any": true},
       "required": ["id", "note", "at", "more", "any"]}\
      """;

  private Schemas() {}

  /// What of `value` does not fit; nothing where all does.
  static Optional<String> fault(JsonNode schema, JsonNode value, JsonNode root) {
    if (schema.isBoolean()) {
      return Optional.empty();
    }
    if (schema.has("$ref")) {
      return fault(root.at(schema.get("$ref").asText().substring(1)), value, root);
    }
    if (schema.has("anyOf")) {
      for (JsonNode option : schema.get("anyOf")) {
        if (fault(option, value, root).isEmpty()) {
          return Optional.empty();
        }
      }
      return Optional.of("none of anyOf: " + value);
    }
    List<Boolean> checks = new ArrayList<>();
    if (schema.has("enum")) {
      checks.add(contains(schema.get("enum"), value));
    }
    if (schema.has("type")) {
      JsonNode type = schema.get("type");
      checks.add(
          type.isTextual()
              ? JsonTypes.is(value, type.asText())
              : List.of("boolean", "null").stream().anyMatch(t -> JsonTypes.is(value, t)));
    }
    if (value.isTextual()) {
      String text = value.asText();
      int length = text.codePointCount(0, text.length());
      checks.add(length >= schema.path("minLength").asInt(0));
      checks.add(length <= schema.path("maxLength").asInt(Integer.MAX_VALUE));
      checks.add(Pattern.compile(schema.path("pattern").asText("")).matcher(text).find());
    }
    if (value.isNumber()) {
      BigDecimal number = value.decimalValue();
      checks.add(
          !schema.has("minimum") || number.compareTo(schema.get("minimum").decimalValue()) >= 0);
      checks.add(
          !schema.has("maximum") || number.compareTo(schema.get("maximum").decimalValue()) <= 0);
    }
    return checks.contains(false)
        ? Optional.of(value + " does not fit " + schema)
        : parts(schema, value, root);
  }

  private static Optional<String> parts(JsonNode schema, JsonNode value, JsonNode root) {
    List<Optional<String>> faults = new ArrayList<>();
    if (value.isArray()) {
      JsonNode prefix = schema.path("prefixItems");
      for (int i = 0; i < value.size(); i++) {
        JsonNode item = prefix.has(i) ? prefix.get(i) : schema.path("items");
        faults.add(item.isMissingNode() ? Optional.empty() : fault(item, value.get(i), root));
      }
      boolean few = value.size() < schema.path("minItems").asInt(0);
      boolean many = value.size() > schema.path("maxItems").asInt(Integer.MAX_VALUE);
      faults.add(few || many ? Optional.of("length of " + value) : Optional.empty());
    }
    if (value.isObject()) {
      value
          .properties()
          .forEach(
              p -> {
                JsonNode named = schema.path("properties").path(p.getKey());
                JsonNode of = named.isMissingNode() ? schema.path("additionalProperties") : named;
                faults.add(
                    of.isBoolean() && !of.asBoolean()
                        ? Optional.of(p.getKey() + " is too much")
                        : of.isMissingNode() ? Optional.empty() : fault(of, p.getValue(), root));
              });
      for (JsonNode name : schema.path("required")) {
        faults.add(value.has(name.asText()) ? Optional.empty() : Optional.of("no " + name));
      }
    }
    return faults.stream().flatMap(Optional::stream).findFirst();
  }

  private static boolean contains(JsonNode list, JsonNode value) {
    for (JsonNode item : list) {
      if (item.equals(value)) {
        return true;
      }
    }
    return false;
  }
}
