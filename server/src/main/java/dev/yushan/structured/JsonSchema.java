package dev.yushan.structured;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.math.BigDecimal;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// A JSON schema as a [Program]. What is written always fits the schema; of what fits, some is
/// never written (other orders of the properties, properties without a name in the schema). A
/// keyword that cannot be followed is refused by name. The rules are in
/// docs/reference/structured-output.md.
final class JsonSchema {
  private static final int MAX_DEPTH = 100;

  private final JsonNode root;
  private final Map<String, Expr> rules = new HashMap<>(JsonText.RULES);

  private JsonSchema(JsonNode root) {
    this.root = root;
  }

  /// Throws [IllegalArgumentException] with the place in the schema, as in `#/properties/age`.
  static Program program(JsonNode schema) {
    JsonSchema compiler = new JsonSchema(schema);
    Expr text = compiler.value(new SchemaPlace(schema, "#", 0));
    return Assembler.assemble(text, compiler.rules);
  }

  private Expr value(SchemaPlace place) {
    JsonNode schema = place.schema();
    if (place.depth() > MAX_DEPTH) {
      throw place.refused("is more than %d levels deep: use $ref".formatted(MAX_DEPTH));
    }
    if (schema.isBoolean() && schema.booleanValue()) {
      return JsonText.ANY_VALUE;
    }
    if (!schema.isObject()) {
      throw place.refused("must be an object of keywords (or true for any value), not " + schema);
    }
    Set<String> says = new LinkedHashSet<>();
    for (Map.Entry<String, JsonNode> property : schema.properties()) {
      String keyword = property.getKey();
      if (!SchemaPlace.ANNOTATIONS.contains(keyword)) {
        place.requireKnown(keyword);
        says.add(keyword);
      }
    }
    for (String keyword : SchemaPlace.WHOLE) {
      if (says.remove(keyword)) {
        return whole(place, keyword, says);
      }
    }
    List<Expr> options = new ArrayList<>();
    for (String type : place.types(says)) {
      options.add(typed(place, type));
    }
    return options.size() == 1 ? options.getFirst() : new Expr.Choice(options);
  }

  private Expr whole(SchemaPlace place, String keyword, Set<String> beside) {
    boolean listsValues = keyword.equals("enum") || keyword.equals("const");
    for (String other : beside) {
      if (!(listsValues && other.equals("type"))) {
        throw place.refused(
            "has %s beside %s, which is not supported: write what is meant into each alternative"
                .formatted(other, keyword));
      }
    }
    SchemaPlace at = place.at(keyword);
    return switch (keyword) {
      case "$ref" -> reference(at);
      case "const" -> values(place, List.of(at.schema()));
      case "enum" -> {
        at.requireList();
        List<JsonNode> values = new ArrayList<>();
        at.schema().forEach(values::add);
        yield values(place, values);
      }
      default -> {
        at.requireList();
        if (keyword.equals("allOf") && at.schema().size() > 1) {
          throw at.refused("has more than one schema, which is not supported: write them as one");
        }
        List<Expr> options = new ArrayList<>();
        for (int i = 0; i < at.schema().size(); i++) {
          options.add(value(at.at(i)));
        }
        yield new Expr.Choice(options);
      }
    };
  }

  private static Expr values(SchemaPlace place, List<JsonNode> values) {
    Set<String> types = place.has("type") ? place.types(Set.of("type")) : JsonTypes.NAMES;
    List<Expr> options = new ArrayList<>();
    for (JsonNode value : values) {
      if (types.stream().anyMatch(type -> JsonTypes.is(value, type))) {
        options.add(JsonText.value(value));
      }
    }
    if (options.isEmpty()) {
      throw place.refused("lists no value of its type " + place.schema().get("type"));
    }
    return new Expr.Choice(options);
  }

  private Expr reference(SchemaPlace place) {
    String ref = place.schema().asText();
    JsonNode target = ref.startsWith("#") ? resolve(ref) : MissingNode.getInstance();
    if (target.isMissingNode()) {
      throw place.refused(
          "refers to %s, which is not in the schema: only places within it are supported, as in #/$defs/name"
              .formatted(place.schema()));
    }
    if (!rules.containsKey(ref)) {
      rules.put(ref, Expr.EMPTY); // known from here on: it may refer to itself
      rules.put(ref, value(new SchemaPlace(target, ref, 0)));
    }
    return new Expr.Rule(ref);
  }

  private JsonNode resolve(String ref) {
    try {
      String pointer =
          URLDecoder.decode(ref.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
      return root.at(JsonPointer.compile(pointer));
    } catch (IllegalArgumentException e) {
      return MissingNode.getInstance();
    }
  }

  private Expr typed(SchemaPlace place, String type) {
    return switch (type) {
      case "string" -> string(place);
      case "integer" -> number(place, true);
      case "number" -> number(place, false);
      case "boolean" -> JsonText.BOOLEAN;
      case "null" -> JsonText.NULL;
      case "array" -> array(place);
      default -> object(place);
    };
  }

  private static Expr string(SchemaPlace place) {
    boolean lengths = place.has("minLength") || place.has("maxLength");
    if (place.has("pattern") && (place.has("format") || lengths)
        || place.has("format") && lengths) {
      throw place.refused(
          "has more than one of pattern, format and lengths, which is not supported: write the"
              + " length into the pattern, as in ^[a-z]{2,8}$");
    }
    if (place.has("pattern")) {
      SchemaPlace at = place.at("pattern");
      try {
        return JsonText.matching(RegexParser.parse(at.schema().asText()));
      } catch (IllegalArgumentException e) {
        throw at.refused("cannot be followed: " + e.getMessage());
      }
    }
    if (place.has("format")) {
      return JsonTypes.format(place.schema().get("format").asText())
          .orElseThrow(
              () ->
                  place
                      .at("format")
                      .refused(
                          "is %s, which is not supported; supported are %s"
                              .formatted(
                                  place.schema().get("format"), JsonTypes.FORMATS.keySet())));
    }
    if (!lengths) {
      return JsonText.ANY_STRING;
    }
    int min = place.count("minLength", 0);
    int max = place.count("maxLength", Expr.Repeat.UNBOUNDED);
    place.requireOrder("minLength", min, max);
    return JsonText.string(new Expr.Repeat(JsonText.CHARACTER, min, max));
  }

  private static Expr number(SchemaPlace place, boolean whole) {
    if (List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum").stream()
        .noneMatch(place::has)) {
      return whole ? JsonText.INTEGER : JsonText.NUMBER;
    }
    NumberRange range =
        NumberRange.EVERYTHING
            .from(bound(place, "minimum"), true)
            .from(bound(place, "exclusiveMinimum"), false)
            .to(bound(place, "maximum"), true)
            .to(bound(place, "exclusiveMaximum"), false);
    return whole ? range.integers() : range.decimals();
  }

  private static Optional<BigDecimal> bound(SchemaPlace place, String keyword) {
    if (!place.has(keyword)) {
      return Optional.empty();
    }
    JsonNode bound = place.schema().get(keyword);
    if (!bound.isNumber()
        || bound.decimalValue().stripTrailingZeros().scale() > JsonText.MAX_DIGITS) {
      throw place
          .at(keyword)
          .refused(
              "must be a number of at most %d digits after the point"
                  .formatted(JsonText.MAX_DIGITS));
    }
    return Optional.of(bound.decimalValue());
  }

  private Expr array(SchemaPlace place) {
    int prefix = place.has("prefixItems") ? place.schema().get("prefixItems").size() : 0;
    int min = place.count("minItems", 0);
    int max = place.count("maxItems", Expr.Repeat.UNBOUNDED);
    place.requireOrder("minItems", min, max);
    boolean none =
        place.schema().path("items").isBoolean() && !place.schema().path("items").asBoolean();
    boolean more = place.has("items") ? !none : prefix == 0;
    if (!more && min > prefix) {
      throw place.at("minItems").refused("is more than prefixItems has: say in items what follows");
    }
    Expr item = JsonText.ANY_VALUE;
    if (more && place.has("items")) {
      item = rule(place.at("items"));
    }
    if (prefix == 0) {
      return JsonText.array(item, min, more ? max : 0);
    }
    place.at("prefixItems").requireList();
    List<Expr.Member> members = new ArrayList<>();
    for (int i = 0; i < Math.min(prefix, max); i++) {
      members.add(new Expr.Member(value(place.at("prefixItems").at(i)), true));
    }
    Expr items = new Expr.Members(members, JsonText.COMMA);
    if (more && max > prefix) {
      int most = max == Expr.Repeat.UNBOUNDED ? max : max - prefix;
      Expr further = Expr.sequence(JsonText.COMMA, item);
      items = Expr.sequence(items, new Expr.Repeat(further, Math.max(min - prefix, 0), most));
    }
    return Expr.sequence(Expr.text("["), items, Expr.text("]"));
  }

  /// What is written in more than one place is a rule.
  private Expr rule(SchemaPlace place) {
    rules.put(place.path(), value(place));
    return new Expr.Rule(place.path());
  }

  private Expr object(SchemaPlace place) {
    if (!place.has("properties")) {
      return map(place);
    }
    if (place.has("minProperties") || place.has("maxProperties")) {
      throw place.refused(
          "has a number of properties beside properties, which is not supported: use required");
    }
    SchemaPlace properties = place.at("properties");
    if (!properties.schema().isObject()) {
      throw properties.refused("must be an object");
    }
    Set<String> required = new LinkedHashSet<>();
    place.schema().path("required").forEach(name -> required.add(name.asText()));
    List<Expr.Member> members = new ArrayList<>();
    for (String name : (Iterable<String>) properties.schema()::fieldNames) {
      Expr part = JsonText.member(name, value(properties.at(name)));
      members.add(new Expr.Member(part, required.remove(name)));
    }
    if (!required.isEmpty()) {
      throw place
          .at("required")
          .refused("names %s, which properties does not describe".formatted(required));
    }
    return Expr.sequence(Expr.text("{"), new Expr.Members(members, JsonText.COMMA), Expr.text("}"));
  }

  private Expr map(SchemaPlace place) {
    if (!place.schema().path("required").isEmpty()) {
      throw place.at("required").refused("names what properties does not describe: add properties");
    }
    int min = place.count("minProperties", 0);
    int max = place.count("maxProperties", Expr.Repeat.UNBOUNDED);
    place.requireOrder("minProperties", min, max);
    if (min > 1) {
      throw place
          .at("minProperties")
          .refused("is above 1, which is not supported: a name could come twice");
    }
    JsonNode values = place.schema().path("additionalProperties");
    boolean none = values.isBoolean() && !values.booleanValue();
    Expr value =
        values.isMissingNode() || none
            ? JsonText.ANY_VALUE
            : rule(place.at("additionalProperties"));
    return JsonText.object(value, min, none ? 0 : max);
  }
}
