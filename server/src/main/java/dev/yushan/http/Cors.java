package dev.yushan.http;

import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;

/// Which web pages may read answers. Pages that the service itself serves need no permission.
record Cors(List<String> origins) {

  /// Adds what a browser wants to see; answers its question beforehand, and then returns true.
  boolean answered(HttpServerRequest request) {
    String origin = request.getHeader(HttpHeaders.ORIGIN);
    if (origin == null) {
      return false;
    }
    HttpServerResponse response = request.response();
    boolean all = origins.contains("*");
    boolean allowed = all || origins.contains(origin);
    if (allowed) {
      response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, all ? "*" : origin);
      response.putHeader(
          HttpHeaders.ACCESS_CONTROL_EXPOSE_HEADERS, "X-Request-Id, X-Ignored-Fields, Retry-After");
    }
    if (!all) {
      response.putHeader(HttpHeaders.VARY, "Origin");
    }
    if (request.method() != HttpMethod.OPTIONS
        || !request.headers().contains(HttpHeaders.ACCESS_CONTROL_REQUEST_METHOD)) {
      return false;
    }
    if (allowed) {
      response.putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
      // those that are asked for: clients have headers of their own, as X-Stainless-*
      String wanted = request.getHeader(HttpHeaders.ACCESS_CONTROL_REQUEST_HEADERS);
      response.putHeader(
          HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS,
          wanted == null ? "Authorization, Content-Type" : wanted);
      response.putHeader(HttpHeaders.ACCESS_CONTROL_MAX_AGE, "600");
    }
    response.setStatusCode(allowed ? 204 : 403).end();
    return true;
  }
}
