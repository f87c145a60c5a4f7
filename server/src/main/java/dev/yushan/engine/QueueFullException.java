package dev.yushan.engine;

/// The engine takes no more requests at present.
public final class QueueFullException extends RuntimeException {
  private static final long serialVersionUID = 1;

  QueueFullException(String message) {
    super(message);
  }
}
