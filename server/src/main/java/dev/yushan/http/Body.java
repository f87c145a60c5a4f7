package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/// A request whose fields were checked against their table. A null counts as left out.
final class Body {
  private static final int MAX_UNKNOWN = 10;

  /// A field that no table has.
  ///
  /// @param hint the nearest known one, in words; may be empty
  record Unknown(String name, String hint) {}

  private final ObjectNode json;
  private final List<Unknown> unknown;

  private Body(ObjectNode json, List<Unknown> unknown) {
    this.json = json;
    this.unknown = unknown;
  }

  /// @throws ApiException a 400 that names the field
  static Body parse(byte[] bytes, List<Field> fields) {
    ObjectNode json = Json.parse(bytes);
    json.properties().removeIf(entry -> entry.getValue().isNull());
    Map<String, Field> table =
        fields.stream().collect(Collectors.toMap(Field::name, Function.identity()));
    List<Unknown> unknown = new ArrayList<>();
    json.properties()
        .forEach(
            entry -> {
              Field field = table.get(entry.getKey());
              if (field == null) {
                addUnknown(unknown, "", entry.getKey(), table.keySet());
              } else {
                field.check(entry.getValue());
                Set<String> keys = Fields.KEYS.getOrDefault(field.name(), Set.of());
                entry.getValue().properties().stream()
                    .filter(key -> !keys.isEmpty() && !keys.contains(key.getKey()))
                    .forEach(key -> addUnknown(unknown, field.name() + ".", key.getKey(), keys));
              }
            });
    return new Body(json, unknown);
  }

  private static void addUnknown(
      List<Unknown> unknown, String within, String name, Set<String> known) {
    if (unknown.size() < MAX_UNKNOWN) {
      unknown.add(new Unknown(within + abridged(name), nearest(name, known)));
    }
  }

  /// Fields that had no effect: the first ten.
  List<Unknown> unknown() {
    return unknown;
  }

  boolean has(String name) {
    return json.has(name);
  }

  Optional<JsonNode> find(String name) {
    return Optional.ofNullable(json.get(name));
  }

  JsonNode require(String name) {
    return find(name).orElseThrow(() -> ApiException.badRequest(name, "`%s` is missing", name));
  }

  Optional<String> text(String name) {
    return find(name).map(JsonNode::textValue);
  }

  boolean flag(String name, boolean otherwise) {
    return find(name).map(JsonNode::booleanValue).orElse(otherwise);
  }

  OptionalInt integer(String name) {
    return has(name) ? OptionalInt.of((int) json.get(name).longValue()) : OptionalInt.empty();
  }

  int integer(String name, int otherwise) {
    return integer(name).orElse(otherwise);
  }

  /// The strings of a list, or the one that stands alone.
  List<String> texts(String name) {
    return find(name).map(Body::texts).orElse(List.of());
  }

  static List<String> texts(JsonNode value) {
    return value.isTextual()
        ? List.of(value.textValue())
        : StreamSupport.stream(value.spliterator(), false).map(JsonNode::textValue).toList();
  }

  List<Integer> ids(String name) {
    return find(name)
        .map(ids -> StreamSupport.stream(ids.spliterator(), false).map(JsonNode::intValue).toList())
        .orElse(List.of());
  }

  /// The known name that is one typing error away from `name`, or two, in words.
  private static String nearest(String name, Set<String> known) {
    return known.stream()
        .filter(other -> distance(name, other) <= 2)
        .min(
            Comparator.<String>comparingInt(other -> distance(name, other))
                .thenComparing(other -> other))
        .map(other -> " (did you mean " + other + "?)")
        .orElse("");
  }

  private static String abridged(String name) {
    return name.length() <= 40 ? name : name.substring(0, 40) + "...";
  }

  /// Levenshtein's; more than 2 where the lengths already say so.
  private static int distance(String a, String b) {
    if (Math.abs(a.length() - b.length()) > 2) {
      return 3;
    }
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replace, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
