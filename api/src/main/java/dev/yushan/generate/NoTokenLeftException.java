package dev.yushan.generate;

/// What a request asked for leaves no token to choose.
public final class NoTokenLeftException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  NoTokenLeftException(String message) {
    super(message);
  }
}
