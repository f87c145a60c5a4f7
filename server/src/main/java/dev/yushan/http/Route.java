package dev.yushan.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A place of the service. The one table of them, [#ALL], is what requests are dispatched by and
/// what `/openapi.json` says.
///
/// @param path with `{model}` for the rest of it
/// @param fields of the body; none for a request without one
/// @param open whether it needs no API key
record Route(HttpMethod method, String path, String summary, List<Field> fields, boolean open) {
  static final Route COMPLETIONS = post("/v1/completions", "Continues texts.", Fields.COMPLETION);
  static final Route CHAT = post("/v1/chat/completions", "Answers a conversation.", Fields.CHAT);
  static final Route TOKENIZE =
      post("/tokenize", "Token ids of a text or a conversation.", Fields.TOKENIZE);
  static final Route DETOKENIZE = post("/detokenize", "The text of token ids.", Fields.DETOKENIZE);
  static final Route MODELS = get("/v1/models", "The names of the served model.", false);
  static final Route MODEL = get("/v1/models/{model}", "One of these names.", false);
  static final Route VERSION = get("/version", "The version of the server.", false);
  static final Route LOAD = get("/load", "The number of requests under way.", false);
  static final Route METRICS = get("/metrics", "Metrics for Prometheus, named as vLLM's.", false);
  static final Route OPENAPI = get("/openapi.json", "This document.", false);
  static final Route HEALTH =
      get("/health", "200 when requests are taken; 503 while loading and ending.", true);
  static final Route PING = get("/ping", "As /health.", true);
  static final Route PAGE = get("/", "The playground, a web page.", true);
  static final Route PING_POST =
      new Route(HttpMethod.POST, "/ping", "As /health.", List.of(), true);

  static final List<Route> ALL =
      List.of(
          COMPLETIONS,
          CHAT,
          MODELS,
          MODEL,
          TOKENIZE,
          DETOKENIZE,
          HEALTH,
          PING,
          PING_POST,
          VERSION,
          LOAD,
          METRICS,
          OPENAPI,
          PAGE);

  private static Route get(String path, String summary, boolean open) {
    return new Route(HttpMethod.GET, path, summary, List.of(), open);
  }

  private static Route post(String path, String summary, List<Field> fields) {
    return new Route(HttpMethod.POST, path, summary, fields, false);
  }

  /// The route of a request; none if no route has its path.
  ///
  /// @throws ApiException a 405 if one has its path, but not its method
  static Optional<Route> of(HttpServerRequest request) {
    List<Route> here = ALL.stream().filter(route -> route.matches(request.path())).toList();
    Optional<Route> found =
        here.stream().filter(route -> route.method.equals(request.method())).findFirst();
    if (found.isEmpty() && !here.isEmpty()) {
      request.response().putHeader(HttpHeaders.ALLOW, methods(here, ", "));
      throw ApiException.of(405, "%s takes %s", here.getFirst().path, methods(here, " or "));
    }
    return found;
  }

  /// Where a request is sent whose path has a slash too many at its end, as FastAPI does it.
  static Optional<String> withoutSlash(HttpServerRequest request) {
    String path = request.path();
    if (path == null || path.length() < 2 || !path.endsWith("/")) {
      return Optional.empty();
    }
    String bare = path.substring(0, path.length() - 1);
    String query = request.query() == null ? "" : "?" + request.query();
    return ALL.stream().anyMatch(route -> route.matches(bare))
        ? Optional.of(bare + query)
        : Optional.empty();
  }

  private static String methods(List<Route> routes, String between) {
    return routes.stream().map(route -> route.method.name()).collect(Collectors.joining(between));
  }

  private boolean matches(String actual) {
    int open = path.indexOf('{');
    return actual != null
        && (open < 0
            ? actual.equals(path)
            : actual.startsWith(path.substring(0, open)) && actual.length() > open);
  }

  /// Whether the answer comes from the model: not before it is loaded, nor while the service ends.
  boolean needsModel() {
    return Stream.of(COMPLETIONS, CHAT, TOKENIZE, DETOKENIZE, MODELS, MODEL, METRICS)
        .anyMatch(this::equals);
  }

  /// Whether it is asked for again and again by who watches the server.
  boolean polled() {
    return equals(METRICS) || equals(LOAD);
  }

  /// Whether it makes the engine work.
  boolean generates() {
    return equals(COMPLETIONS) || equals(CHAT);
  }
}
