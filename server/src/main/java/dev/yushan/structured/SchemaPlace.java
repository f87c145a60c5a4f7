package dev.yushan.structured;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// A schema within a JSON schema: its keywords, and what is wrong with them.
///
/// @param path to it, as in `#/properties/age`
/// @param depth levels above it
record SchemaPlace(JsonNode schema, String path, int depth) {
  /// What says nothing about the value.
  static final Set<String> ANNOTATIONS =
      Set.of(
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions");

  /// What stands alone: beside these only annotations say something.
  static final List<String> WHOLE = List.of("$ref", "anyOf", "oneOf", "allOf", "enum", "const");

  /// The types that a keyword speaks of.
  private static final Map<String, String> TYPE_OF =
      Map.ofEntries(
          Map.entry("properties", "object"),
          Map.entry("required", "object"),
          Map.entry("additionalProperties", "object"),
          Map.entry("minProperties", "object"),
          Map.entry("maxProperties", "object"),
          Map.entry("items", "array"),
          Map.entry("prefixItems", "array"),
          Map.entry("minItems", "array"),
          Map.entry("maxItems", "array"),
          Map.entry("minLength", "string"),
          Map.entry("maxLength", "string"),
          Map.entry("pattern", "string"),
          Map.entry("format", "string"),
          Map.entry("minimum", "number"),
          Map.entry("maximum", "number"),
          Map.entry("exclusiveMinimum", "number"),
          Map.entry("exclusiveMaximum", "number"));

  SchemaPlace at(String keyword) {
    return new SchemaPlace(schema.get(keyword), path + "/" + escaped(keyword), depth + 1);
  }

  SchemaPlace at(int index) {
    return new SchemaPlace(schema.get(index), path + "/" + index, depth + 1);
  }

  /// As a `$ref` has it, so that no two places have one path.
  private static String escaped(String keyword) {
    return keyword.replace("~", "~0").replace("/", "~1").replace("%", "%25");
  }

  boolean has(String keyword) {
    return schema.has(keyword);
  }

  /// A count, `absent` if it is not there.
  int count(String keyword, int absent) {
    if (!has(keyword)) {
      return absent;
    }
    JsonNode count = schema.get(keyword);
    if (!count.canConvertToExactIntegral() || !count.canConvertToInt() || count.intValue() < 0) {
      throw at(keyword).refused("must be a whole number from 0");
    }
    return count.intValue();
  }

  IllegalArgumentException refused(String what) {
    return new IllegalArgumentException("the JSON schema at %s %s".formatted(path, what));
  }

  /// Refuses a keyword that cannot be followed here.
  void requireKnown(String keyword) {
    boolean known =
        keyword.equals("type") || WHOLE.contains(keyword) || TYPE_OF.containsKey(keyword);
    boolean harmless =
        keyword.equals("uniqueItems")
            && schema.get(keyword).isBoolean()
            && !schema.get(keyword).booleanValue();
    if (!known && !harmless) {
      Set<String> supported = new TreeSet<>(TYPE_OF.keySet());
      supported.addAll(WHOLE);
      supported.add("type");
      throw refused(
          "has the keyword %s, which is not supported; supported are %s"
              .formatted(keyword, String.join(", ", supported)));
    }
  }

  void requireList() {
    if (!schema.isArray() || schema.isEmpty()) {
      throw refused("must be a list that is not empty");
    }
  }

  /// The types named, or those that the keywords speak of; where neither says anything, all.
  ///
  /// @param says the keywords that are there
  Set<String> types(Set<String> says) {
    Set<String> types = new LinkedHashSet<>();
    JsonNode named = schema.path("type");
    if (named.isMissingNode()) {
      says.forEach(keyword -> types.add(TYPE_OF.getOrDefault(keyword, "array")));
      return types.isEmpty() ? JsonTypes.NAMES : types;
    }
    if (named.isArray() && !named.isEmpty()) {
      named.forEach(type -> types.add(type.asText()));
    } else {
      types.add(named.isTextual() ? named.asText() : named.toString());
    }
    for (String type : types) {
      if (!type.equals("integer") && !JsonTypes.NAMES.contains(type)) {
        throw at("type")
            .refused(
                "is %s: it must be one of integer, %s, or a list of some of them"
                    .formatted(named, String.join(", ", JsonTypes.NAMES)));
      }
    }
    return types;
  }

  /// Refuses a least count above the greatest.
  void requireOrder(String keyword, int min, int max) {
    if (min > max) {
      throw at(keyword).refused("is above the greatest allowed, " + max);
    }
  }
}
