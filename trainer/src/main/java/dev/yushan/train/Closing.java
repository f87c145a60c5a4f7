package dev.yushan.train;

import java.util.ArrayDeque;
import java.util.Deque;

/// Things to be closed together, the last first.
final class Closing implements AutoCloseable {
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  <T extends AutoCloseable> T add(T resource) {
    open.push(resource);
    return resource;
  }

  @Override
  public void close() {
    RuntimeException failure = null;
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Exception e) {
        failure = failure == null ? new TrainingException("cannot release: " + e, e) : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
