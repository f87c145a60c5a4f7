package dev.yushan.chat;

/// What is wrong with a template, or with what it does. [ChatTemplate] says on which line.
final class Fault extends RuntimeException {
  private static final long serialVersionUID = 1;

  /// The line of the template, or 0 if whoever catches it knows better.
  final int line;

  Fault(int line, String message) {
    super(message, null, false, false);
    this.line = line;
  }

  Fault(String message) {
    this(0, message);
  }
}
