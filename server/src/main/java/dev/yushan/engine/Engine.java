package dev.yushan.engine;

import dev.yushan.backend.Backend;
import dev.yushan.backend.KvPages;
import dev.yushan.engine.Completion.Reason;
import dev.yushan.engine.Scheduler.Slice;
import dev.yushan.engine.Scheduler.Step;
import dev.yushan.model.CausalLM;
import dev.yushan.text.Tokenizer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Computes requests on a model, many at a time: whenever a forward pass is done, those that have
/// ended leave and others join (Yu et al. 2022), prompts in chunks beside texts that are generated
/// (Agrawal et al. 2023), keys and values in pages (Kwon et al. 2023).
///
/// One thread owns the model; all others talk to it here. What a request gets depends on itself
/// alone: not on what is computed beside it, in what pieces, or on what the cache held.
public final class Engine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  /// A request that was taken.
  public interface Ticket {
    /// Ends it with the step that is computed, unless it has ended. Any thread may call this.
    void cancel();
  }

  private final EngineConfig config;
  private final Tokenizer tokenizer;
  private final List<Integer> eosIds;
  private final ModelRunner runner;
  private final Scheduler scheduler;
  private final PagePool pool;
  private StepBudget budget;
  private final Jobs jobs;
  private final StepSampler sampler;
  private final BlockingQueue<Runnable> inbox = new LinkedBlockingQueue<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread thread;
  private Counters counters = new Counters();
  private volatile EngineStats stats = EngineStats.NONE;
  private volatile IntConsumer stepObserver = tokens -> {};
  private volatile boolean draining;
  private volatile boolean closing;
  private volatile boolean failed;
  private volatile boolean gone;
  private long arrivals;

  /// What is counted from the start.
  private static final class Counters {
    private long promptTokens;
    private long cachedTokens;
    private long computedTokens;
    private long prefixQueries;
    private long prefixHits;
    private long steps;
    private long stepNanos;
    private long modelNanos;
  }

  /// Starts an engine. Backend and model stay the caller's, who does not use them until it is
  /// closed.
  ///
  /// @throws IllegalArgumentException if the cache has no room for one request
  public Engine(Backend backend, CausalLM model, Tokenizer tokenizer, EngineConfig config) {
    int pages = config.pages(model.config());
    this.config = config;
    this.tokenizer = tokenizer;
    this.eosIds = model.config().eosIds();
    this.pool = new PagePool(pages, config.prefixCaching());
    this.scheduler = new Scheduler(pool, config.maxNumSeqs());
    this.jobs = new Jobs(scheduler);
    this.budget = new StepBudget(config.maxNumBatchedTokens());
    this.runner = new ModelRunner(backend, model, config, pages);
    this.sampler = new StepSampler(runner, jobs);
    this.thread = Thread.ofPlatform().name("engine").start(this::loop);
  }

  public EngineConfig config() {
    return config;
  }

  /// Pages of the cache.
  public int pages() {
    return pool.pages();
  }

  /// Tokens of a page.
  public int pageLength() {
    return KvPages.PAGE_LENGTH;
  }

  // ---- from other threads ----------------------------------------------------------------------

  /// Takes a request; returns at once.
  ///
  /// @throws QueueFullException if too many wait, or no more are taken
  /// @throws IllegalArgumentException if the prompt is empty, too long, or has unknown ids
  public Ticket submit(EngineRequest request, EngineListener listener) {
    requireUsable(request);
    if (draining) {
      throw new QueueFullException("the server is about to stop; try another one, or later");
    }
    if (!jobs.reserve(config.maxNumSeqs() + config.maxWaiting())) {
      throw new QueueFullException(
          "%d requests are computed or wait, as many as may; try again later"
              .formatted(config.maxNumSeqs() + config.maxWaiting()));
    }
    int room = config.maxModelLen() - request.prompt().length;
    int limit = Math.min(request.params().maxTokens(), room);
    Job[] job = new Job[1];
    long arrived = System.nanoTime();
    inbox.add(
        () -> {
          job[0] = new Job(request, listener, tokenizer, eosIds, arrived, arrivals++, limit);
          jobs.add(job[0]);
        });
    if (gone) {
      bury();
    }
    return () -> inbox.add(() -> jobs.end(job[0], Reason.CANCELLED, Optional.empty()));
  }

  /// Computes texts that nobody asked for until what runs is compiled, some seconds; nothing of it
  /// is counted. For before there are requests.
  ///
  /// @throws QueueFullException if no more requests are taken
  /// @throws IllegalStateException if a forward pass fails
  public void warmUp() throws InterruptedException {
    new WarmUp(this).run();
  }

  /// Forgets what was counted, what the cache keeps, and how long passes took.
  void forget() {
    inbox.add(
        () -> {
          counters = new Counters();
          sampler.forget();
          pool.clear();
          budget = new StepBudget(config.maxNumBatchedTokens());
        });
  }

  int vocabSize() {
    return runner.vocabSize();
  }

  /// Whether it takes requests.
  public boolean isRunning() {
    return !draining;
  }

  private void requireUsable(EngineRequest request) {
    int[] prompt = request.prompt();
    if (prompt.length == 0) {
      throw new IllegalArgumentException("the prompt has no tokens; give at least one");
    }
    if (prompt.length >= config.maxModelLen() + (request.params().maxTokens() == 0 ? 1 : 0)) {
      throw new IllegalArgumentException(
          "the prompt has %d tokens, a request at most %d with what is generated; shorten it"
              .formatted(prompt.length, config.maxModelLen()));
    }
    request.params().requireVocabulary(runner.vocabSize());
    for (int id : prompt) {
      if (id < 0 || id >= runner.vocabSize()) {
        throw new IllegalArgumentException(
            "the prompt has the id %d, the model knows 0 to %d"
                .formatted(id, runner.vocabSize() - 1));
      }
    }
  }

  /// A snapshot, of the last step.
  public EngineStats stats() {
    return stats;
  }

  /// Has `observer` told of the number of tokens of each step, prompts and those that are
  /// generated, on the engine's thread.
  public void onStep(IntConsumer observer) {
    stepObserver = observer;
  }

  /// Takes no more requests, and waits for those that it has.
  ///
  /// @return whether all ended in time
  public boolean drain(Duration timeout) throws InterruptedException {
    draining = true;
    inbox.add(() -> {});
    return ended.await(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  /// Cancels what there is, and waits for the step that is computed.
  @Override
  public void close() {
    draining = true;
    closing = true;
    inbox.add(() -> {});
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the engine's thread ---------------------------------------------------------------------

  private void loop() {
    try {
      while (!closing && !(draining && scheduler.isIdle() && inbox.isEmpty())) {
        takeIn();
        if (!closing && !scheduler.isIdle()) {
          step();
        }
        stats = snapshot();
      }
    } catch (InterruptedException e) {
      LOG.warn("the engine was interrupted; it takes no more requests");
    } catch (RuntimeException | Error e) {
      failed = true;
      LOG.error("the engine failed and takes no more requests; start the server again", e);
    } finally {
      draining = true;
      gone = true;
      bury();
      stats = snapshot();
      runner.close();
      ended.countDown();
    }
  }

  /// Ends what there still is when the thread is about to end, or has: by whoever comes last.
  private synchronized void bury() {
    for (Runnable left = inbox.poll(); left != null; left = inbox.poll()) {
      left.run();
    }
    Reason reason = failed ? Reason.FAILED : Reason.CANCELLED;
    Optional<String> why = Optional.of("the engine has stopped; start the server again");
    jobs.all().forEach(job -> jobs.end(job, reason, why));
  }

  /// Runs what other threads asked for; with nothing to compute it waits for that.
  private void takeIn() throws InterruptedException {
    Runnable next = scheduler.isIdle() ? inbox.take() : inbox.poll();
    while (next != null) {
      next.run();
      next = inbox.poll();
    }
    long now = System.nanoTime();
    for (Job job : jobs.all()) {
      if (job.isLate(now)) {
        jobs.end(job, Reason.CANCELLED, Optional.of("its time was up"));
      }
    }
  }

  private void step() {
    long start = System.nanoTime();
    int prefill = budget.tokens(scheduler.decoding(), scheduler.prompts());
    Step step = scheduler.next(Math.max(budget.most(), config.maxNumSeqs()), prefill);
    for (Slice slice : step.slices()) {
      if (slice.from() == slice.sequence().cached() && slice.sequence().preemptions() == 0) {
        count(slice);
      }
      jobs.of(slice.sequence()).begin(start);
    }
    long modelStart = System.nanoTime();
    try {
      runner.run(step);
    } catch (RuntimeException | OutOfMemoryError e) {
      scheduler.failed(step);
      fail(step, e);
      return;
    }
    long computed = System.nanoTime();
    scheduler.done(step);
    int decodes = step.decodes();
    counters.computedTokens += step.tokens() - decodes;
    counters.modelNanos += computed - modelStart;
    stepObserver.accept(step.tokens());
    try {
      sampler.sample(step);
    } catch (RuntimeException | OutOfMemoryError e) {
      fail(step, e);
      pool.clear(); // a device may say only now that the pass failed: what it left is not kept
      return;
    }
    long now = System.nanoTime();
    budget.took(step.tokens(), now - start);
    counters.steps++;
    counters.stepNanos += now - start;
  }

  private void count(Slice slice) {
    counters.promptTokens += slice.sequence().promptLength();
    counters.cachedTokens += slice.sequence().cached();
    if (config.prefixCaching() && !slice.sequence().scored()) {
      counters.prefixQueries += slice.sequence().promptLength();
      counters.prefixHits += slice.sequence().cached();
    }
  }

  private void fail(Step step, Throwable failure) {
    List<Job> lost =
        step.slices().stream()
            .map(slice -> jobs.of(slice.sequence()))
            .filter(Objects::nonNull)
            .toList();
    LOG.error("a forward pass failed; its {} requests end", lost.size(), failure);
    String message = String.valueOf(failure.getMessage());
    lost.forEach(job -> jobs.end(job, Reason.FAILED, Optional.of(message)));
  }

  private EngineStats snapshot() {
    return new EngineStats(
        scheduler.running(),
        scheduler.waiting(),
        pool.usage(),
        counters.promptTokens,
        counters.cachedTokens,
        counters.computedTokens,
        sampler.tokens(),
        counters.prefixQueries,
        counters.prefixHits,
        scheduler.preemptions(),
        counters.steps,
        counters.stepNanos,
        counters.modelNanos + sampler.modelNanos(),
        runner.traffic());
  }
}
