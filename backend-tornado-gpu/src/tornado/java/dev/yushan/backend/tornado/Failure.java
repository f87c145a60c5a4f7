package dev.yushan.backend.tornado;

/// What TornadoVM says when something fails, in one line.
final class Failure {
  private Failure() {}

  /// The message of the innermost cause.
  static String cause(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    String message = cause.getMessage();
    String text = message == null || message.isBlank() ? cause.toString() : message.strip();
    // TornadoVM colours some of its messages
    return text.replaceAll("\u001B\\[[0-9;]*m", "").lines().findFirst().orElse(text);
  }
}
