package dev.yushan.data.prepare;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/// Runs work on shards by several threads, a few more submitted than there are threads, so that
/// what is read does not pile up in memory.
final class ShardPool implements AutoCloseable {
  private final ExecutorService threads;
  private final int count;
  private final Semaphore room;
  private final PrepareListener listener;
  private final List<CompletableFuture<Void>> running = new ArrayList<>();
  private final AtomicLong done = new AtomicLong();
  private String phase = "";
  private final AtomicLong begun = new AtomicLong();
  private volatile boolean failed;

  ShardPool(int threads, PrepareListener listener) {
    this.threads =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().daemon().name("prepare-", 0).factory());
    this.listener = listener;
    count = threads;
    room = new Semaphore(threads + 2);
  }

  int threads() {
    return count;
  }

  /// Has `work` done, unless something before it has failed; waits while there is much to do.
  CompletableFuture<Void> submit(String name, Runnable work) {
    if (!name.equals(phase)) {
      phase = name;
      begun.set(0);
      done.set(0);
    }
    if (failed) {
      return CompletableFuture.failedFuture(new CancellationException());
    }
    room.acquireUninterruptibly();
    begun.incrementAndGet();
    return add(
        CompletableFuture.runAsync(failed ? ShardPool::leave : work, threads)
            .whenComplete(
                (nothing, failure) -> {
                  room.release();
                  listener.at(name, done.incrementAndGet(), begun.get());
                }));
  }

  /// In the place of work that is of no use any more: something before it has failed, and is told.
  private static void leave() {
    throw new CancellationException();
  }

  private CompletableFuture<Void> add(CompletableFuture<Void> work) {
    CompletableFuture<Void> noted =
        work.whenComplete((nothing, failure) -> failed |= failure != null);
    running.add(noted);
    return noted;
  }

  /// Has `last` done when all of `work` is.
  void after(List<CompletableFuture<Void>> work, Runnable last) {
    add(CompletableFuture.allOf(work.toArray(CompletableFuture[]::new)).thenRun(last));
  }

  /// Has `work` begun that is none on shards but that they need; if it fails, all does.
  void start(Runnable work) {
    add(CompletableFuture.runAsync(work, threads));
  }

  /// Waits for everything submitted; throws what came first in its order.
  void join() {
    List<CompletableFuture<Void>> all = List.copyOf(running);
    running.clear();
    RuntimeException first = null;
    for (CompletableFuture<Void> one : all) {
      try {
        one.join();
      } catch (CompletionException e) {
        RuntimeException cause =
            e.getCause() instanceof RuntimeException c
                ? c
                : new IllegalStateException(e.getCause());
        first = first == null ? cause : first;
      }
    }
    if (first != null) {
      throw first;
    }
  }

  /// What `function` makes of each, in order.
  <T, R> List<R> map(String name, List<T> of, Function<T, R> function) {
    List<R> results = new ArrayList<>(java.util.Collections.nCopies(of.size(), null));
    for (int i = 0; i < of.size(); i++) {
      int index = i;
      submit(name, () -> results.set(index, function.apply(of.get(index))));
    }
    join();
    return results;
  }

  static void createDirectories(Path directory) {
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(directory + " cannot be made; free some space", e);
    }
  }

  static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be removed; make its directory writable", e);
    }
  }

  @Override
  public void close() {
    failed = true;
    threads.close();
  }
}
