package dev.yushan.engine;

import dev.yushan.backend.Backend;
import dev.yushan.generate.Generator;
import dev.yushan.generate.TextGenerator;
import dev.yushan.model.CausalLM;
import dev.yushan.text.Tokenizer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/// Computes requests on a model: one thread owns the model, and all other threads talk to it here.
public final class Engine implements AutoCloseable {
  private final ExecutorService thread = Executors.newSingleThreadExecutor();
  private final Generator generator;
  private final Tokenizer tokenizer;
  private final EngineConfig config;
  private final AtomicInteger waiting = new AtomicInteger();

  /// A request that was taken.
  public interface Ticket {
    /// Ends it with the step that is computed, unless it has ended. Any thread may call this.
    void cancel();
  }

  /// Starts an engine. Backend and model stay the caller's, who does not use them until it is
  /// closed.
  public Engine(Backend backend, CausalLM model, Tokenizer tokenizer, EngineConfig config) {
    this.generator = new Generator(backend, model, config.maxModelLen());
    this.tokenizer = tokenizer;
    this.config = config;
  }

  public EngineConfig config() {
    return config;
  }

  /// Takes a request; returns at once.
  ///
  /// @throws QueueFullException if too many wait, or no more are taken
  /// @throws IllegalArgumentException if the prompt is empty, too long, or has unknown ids
  public Ticket submit(EngineRequest request, EngineListener listener) {
    if (waiting.incrementAndGet() > config.maxWaiting()) {
      waiting.decrementAndGet();
      throw new QueueFullException("%d requests wait; try again later".formatted(waiting.get()));
    }
    AtomicBoolean cancelled = new AtomicBoolean();
    thread.execute(() -> run(request, listener, cancelled));
    return () -> cancelled.set(true);
  }

  private void run(EngineRequest request, EngineListener listener, AtomicBoolean cancelled) {
    waiting.decrementAndGet();
    long start = System.nanoTime();
    String prompt = tokenizer.decode(request.prompt(), true);
    var done =
        new TextGenerator(generator, tokenizer)
            .complete(
                prompt,
                request.params(),
                text -> listener.token(new TokenScore(0, 0, 1, List.of()), text));
    listener.finished(
        new Completion(
            cancelled.get() ? Completion.Reason.CANCELLED : Completion.Reason.LENGTH,
            Optional.empty(),
            Optional.empty(),
            request.prompt().length,
            0,
            done.generation().tokens().length,
            new Completion.Timings(start, start, start, System.nanoTime(), 0)),
        "");
  }

  /// A snapshot.
  public EngineStats stats() {
    return new EngineStats(0, waiting.get(), 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /// Takes no more requests, and waits for those that it has.
  ///
  /// @return whether all ended in time; the others were cancelled
  public boolean drain(Duration timeout) throws InterruptedException {
    thread.shutdown();
    return thread.awaitTermination(timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  /// Cancels what there is, and ends the thread.
  @Override
  public void close() {
    thread.shutdownNow();
    generator.close();
  }
}
