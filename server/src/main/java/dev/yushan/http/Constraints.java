package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.yushan.generate.TokenConstraint;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The constraint that a request puts on its text: `response_format`, `structured_outputs`, and the
/// older `guided_*`.
final class Constraints {
  private static final Set<String> KINDS = Set.of("json", "regex", "choice", "json_object");

  /// @param field as the request has it
  /// @param kind one of [#KINDS]
  private record Wish(String field, String kind, JsonNode value) {}

  private Constraints() {}

  /// Throws a 400 that names the field.
  static Optional<TokenConstraint> of(Body body, Optional<StructuredOutput> structured) {
    List<Wish> wishes = new ArrayList<>();
    body.find("response_format").ifPresent(format -> responseFormat(format, wishes));
    body.find("structured_outputs").ifPresent(object -> structuredOutputs(object, wishes));
    for (String kind : List.of("json", "regex", "choice")) {
      String field = "guided_" + kind;
      body.find(field).ifPresent(value -> wishes.add(new Wish(field, kind, value)));
    }
    if (wishes.size() > 1) {
      throw ApiException.badRequest(
          wishes.get(1).field(),
          "only one constraint at a time: there is `%s` already",
          wishes.get(0).field());
    }
    return wishes.stream().findFirst().map(wish -> constraint(wish, structured));
  }

  private static void responseFormat(JsonNode format, List<Wish> wishes) {
    String field = "response_format";
    switch (format.path("type").asText("")) {
      case "text" -> {}
      case "json_object" -> wishes.add(new Wish(field, "json_object", format));
      case "json_schema" -> {
        JsonNode schema = format.path("json_schema").path("schema");
        if (!schema.isObject()) {
          throw ApiException.badRequest(
              field, "`response_format.json_schema.schema` must be an object");
        }
        wishes.add(new Wish(field, "json", schema));
      }
      default ->
          throw ApiException.badRequest(
              field, "`response_format.type` must be `text`, `json_object` or `json_schema`");
    }
  }

  private static void structuredOutputs(JsonNode object, List<Wish> wishes) {
    int before = wishes.size();
    object
        .properties()
        .forEach(
            entry -> {
              JsonNode value = entry.getValue();
              if (value.isNull() || value.isBoolean() && !value.booleanValue()) {
                return;
              }
              if (!KINDS.contains(entry.getKey())) {
                throw ApiException.badRequest(
                    "structured_outputs",
                    "`structured_outputs.%s` is not supported",
                    entry.getKey());
              }
              wishes.add(new Wish("structured_outputs", entry.getKey(), value));
            });
    if (wishes.size() == before) {
      throw ApiException.badRequest(
          "structured_outputs",
          "`structured_outputs` asks for nothing: give one of `json`, `regex`, `choice` and"
              + " `json_object`, or leave it out");
    }
  }

  private static TokenConstraint constraint(Wish wish, Optional<StructuredOutput> structured) {
    StructuredOutput maker =
        structured.orElseThrow(
            () ->
                ApiException.badRequest(
                    wish.field(), "`%s` is not supported by this server", wish.field()));
    try {
      return switch (wish.kind()) {
        case "json" -> maker.jsonSchema(schema(wish));
        case "json_object" -> maker.jsonObject();
        case "regex" -> maker.regex(require(wish, wish.value().isTextual(), "a text").textValue());
        default -> maker.choice(choices(wish));
      };
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest(wish.field(), "%s", String.valueOf(e.getMessage()));
    }
  }

  private static List<String> choices(Wish wish) {
    String expected = "a list of one text or more";
    JsonNode list = require(wish, wish.value().isArray() && !wish.value().isEmpty(), expected);
    for (JsonNode choice : list) {
      require(wish, choice.isTextual(), expected);
    }
    return Body.texts(list);
  }

  /// A schema may come as an object, or as the text of one.
  private static JsonNode schema(Wish wish) {
    if (wish.value() instanceof TextNode text) {
      return Json.parse(
          text.textValue().getBytes(StandardCharsets.UTF_8),
          wish.field(),
          "the schema in `%s`".formatted(wish.field()));
    }
    return require(wish, wish.value().isObject(), "a schema: an object, or the text of one");
  }

  private static JsonNode require(Wish wish, boolean holds, String expected) {
    if (!holds) {
      throw ApiException.badRequest(
          wish.field(), "the %s of `%s` must be %s", wish.kind(), wish.field(), expected);
    }
    return wish.value();
  }
}
