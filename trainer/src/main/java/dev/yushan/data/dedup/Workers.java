package dev.yushan.data.dedup;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/// A number of threads that share out loops.
final class Workers implements AutoCloseable {
  private final int threads;
  private final ExecutorService executor;

  Workers(int threads) {
    this.threads = threads;
    executor = Executors.newFixedThreadPool(threads);
  }

  /// Runs `body` for `from … to - 1`, in any order, and returns when all are done.
  void forEach(int from, int to, IntConsumer body) {
    AtomicInteger next = new AtomicInteger(from);
    List<Future<?>> parts = new ArrayList<>();
    for (int t = 0; t < Math.min(threads, to - from); t++) {
      parts.add(
          executor.submit(
              () -> {
                for (int i = next.getAndIncrement(); i < to; i = next.getAndIncrement()) {
                  body.accept(i);
                }
              }));
    }
    parts.forEach(Workers::join);
  }

  private static void join(Future<?> part) {
    try {
      part.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while looking for duplicates", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new IllegalStateException(e.getCause());
      }
    }
  }

  @Override
  public void close() {
    executor.shutdownNow();
    executor.close();
  }
}
