package dev.yushan.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.engine.Completion;
import java.util.Optional;

/// What is answered in the place of a result: a status, and the error body of OpenAI with the type
/// names of vLLM.
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int status;
  private final String type;
  private final String param;

  private ApiException(int status, String type, String param, String message) {
    super(message);
    this.status = status;
    this.type = type;
    this.param = param;
  }

  /// A request that cannot be followed.
  ///
  /// @param param the field that is to blame, empty if none is
  static ApiException badRequest(String param, String message, Object... args) {
    return new ApiException(400, "BadRequestError", param, message.formatted(args));
  }

  static ApiException of(int status, String message, Object... args) {
    return new ApiException(status, typeOf(status), "", message.formatted(args));
  }

  static ApiException unknownModel(String name) {
    return new ApiException(
        404,
        "NotFoundError",
        "model",
        "The model `%s` does not exist; GET /v1/models lists those that do.".formatted(name));
  }

  /// What there is to answer for a request that ended without a result.
  static Optional<ApiException> of(Completion end) {
    String why = end.error().orElse("the engine failed");
    return switch (end.reason()) {
      case FAILED -> Optional.of(of(500, "%s", why));
      case UNMET -> Optional.of(badRequest("", "%s", why));
      case STOP, LENGTH, CANCELLED -> Optional.empty();
    };
  }

  private static String typeOf(int status) {
    return switch (status) {
      case 401 -> "AuthenticationError";
      case 403 -> "PermissionDeniedError";
      case 404 -> "NotFoundError";
      case 405 -> "MethodNotAllowedError";
      case 408 -> "RequestTimeoutError";
      case 413 -> "RequestTooLargeError";
      case 429 -> "RateLimitError";
      case 503 -> "ServiceUnavailableError";
      default -> status < 500 ? "BadRequestError" : "InternalServerError";
    };
  }

  int status() {
    return status;
  }

  Optional<String> param() {
    return Optional.of(param).filter(name -> !name.isEmpty());
  }

  ObjectNode json() {
    ObjectNode root = Json.object();
    ObjectNode error = root.putObject("error").put("message", getMessage()).put("type", type);
    error.put("param", param().orElse(null)).put("code", status);
    return root;
  }
}
