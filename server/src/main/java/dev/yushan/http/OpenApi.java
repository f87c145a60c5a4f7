package dev.yushan.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The OpenAPI 3.1 document of [Route#ALL].
final class OpenApi {
  /// Fields that a request must have.
  private static final Map<Route, List<String>> REQUIRED =
      Map.of(
          Route.COMPLETIONS, List.of("prompt"),
          Route.CHAT, List.of("messages"),
          Route.DETOKENIZE, List.of("tokens"));

  /// The schemas of what is answered with 200, each in [#ANSWERS].
  private static final Map<Route, String> ANSWER_OF =
      Map.of(
          Route.COMPLETIONS, "Completion",
          Route.CHAT, "ChatCompletion",
          Route.MODELS, "ModelList",
          Route.MODEL, "Model",
          Route.TOKENIZE, "TokenIds",
          Route.DETOKENIZE, "TokenText");

  private static final ObjectNode ANSWERS = answers();

  /// What tells how the server is.
  private static final List<Route> HEALTH = List.of(Route.HEALTH, Route.PING, Route.PING_POST);

  private OpenApi() {}

  static ObjectNode document() {
    ObjectNode root = Json.object().put("openapi", "3.1.0");
    root.putObject("info").put("title", "Yushan").put("version", Version.OF_SERVER);
    ObjectNode paths = root.putObject("paths");
    for (Route route : Route.ALL) {
      ObjectNode path = paths.withObjectProperty(route.path());
      path.set(route.method().name().toLowerCase(Locale.ROOT), operation(route));
    }
    ObjectNode components = root.putObject("components");
    ObjectNode schemas = components.putObject("schemas");
    schemas.set("Error", error());
    schemas.set("Health", health());
    schemas.setAll(ANSWERS);
    components
        .putObject("securitySchemes")
        .putObject("key")
        .put("type", "http")
        .put("scheme", "bearer");
    return root;
  }

  private static ObjectNode operation(Route route) {
    ObjectNode operation = Json.object().put("summary", route.summary());
    ArrayNode security = operation.putArray("security");
    if (!route.open()) {
      security.addObject(); // none where the server has no keys
      security.addObject().putArray("key");
    }
    if (route.path().contains("{")) {
      ObjectNode parameter = operation.putArray("parameters").addObject();
      parameter.put("name", "model").put("in", "path").put("required", true);
      parameter.putObject("schema").put("type", "string");
    }
    if (!route.fields().isEmpty()) {
      ObjectNode body = operation.putObject("requestBody").put("required", true);
      body.putObject("content").putObject("application/json").set("schema", schema(route));
    }
    ObjectNode responses = operation.putObject("responses");
    ObjectNode ok = responses.putObject("200").put("description", "OK");
    if (HEALTH.contains(route)) {
      refer(ok, "Health");
      refer(responses.putObject("503").put("description", "Not ready, or no more"), "Health");
    }
    if (ANSWER_OF.containsKey(route)) {
      refer(ok, ANSWER_OF.get(route));
    }
    if (route.generates()) {
      ok.withObjectProperty("content")
          .putObject("text/event-stream")
          .putObject("schema")
          .put("type", "string")
          .put("description", "With `stream`: see docs/reference/http.md.");
    }
    refer(responses.putObject("default").put("description", "An error"), "Error");
    return operation;
  }

  private static void refer(ObjectNode response, String schema) {
    response
        .putObject("content")
        .putObject("application/json")
        .putObject("schema")
        .put("$ref", "#/components/schemas/" + schema);
  }

  private static ObjectNode schema(Route route) {
    ObjectNode schema = Json.object().put("type", "object");
    ObjectNode properties = schema.putObject("properties");
    route.fields().forEach(field -> properties.set(field.name(), field.schema()));
    ArrayNode required = schema.putArray("required");
    REQUIRED.getOrDefault(route, List.of()).forEach(required::add);
    return schema;
  }

  private static ObjectNode answers() {
    try (InputStream in = OpenApi.class.getResourceAsStream("answers.json")) {
      return Json.parse(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ObjectNode health() {
    ObjectNode schema = Json.object().put("type", "object");
    ObjectNode properties = schema.putObject("properties");
    ArrayNode states = properties.putObject("status").put("type", "string").putArray("enum");
    List.of("loading", "ready", "draining", "failed").forEach(states::add);
    properties.putObject("progress").put("type", "string");
    properties.putObject("done").put("type", "number").put("minimum", 0).put("maximum", 1);
    schema.putArray("required").add("status").add("progress"); // done only while loading
    return schema;
  }

  private static ObjectNode error() {
    ObjectNode schema = Json.object().put("type", "object");
    ObjectNode error = schema.putObject("properties").putObject("error").put("type", "object");
    ObjectNode properties = error.putObject("properties");
    properties.putObject("message").put("type", "string");
    properties.putObject("type").put("type", "string");
    properties.putObject("param").putArray("type").add("string").add("null");
    properties.putObject("code").put("type", "integer");
    return schema;
  }
}
