package dev.yushan.data;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// Failures of other threads, as they were thrown there.
final class Failures {
  private Failures() {}

  static <T> T join(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw e;
      }
    }
  }
}
