package dev.yushan.engine;

import dev.yushan.backend.Backend;
import dev.yushan.engine.Completion.Reason;
import dev.yushan.engine.Scheduler.Slice;
import dev.yushan.engine.Scheduler.Step;
import dev.yushan.model.CausalLM;
import dev.yushan.text.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
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
  private final StepBudget budget;
  private final Map<Sequence, Job> jobs = new HashMap<>();
  private final BlockingQueue<Runnable> inbox = new LinkedBlockingQueue<>();
  private final AtomicInteger open = new AtomicInteger();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread thread;
  private final Counters counters = new Counters();
  private volatile EngineStats stats = EngineStats.NONE;
  private volatile boolean draining;
  private volatile boolean closing;
  private volatile boolean gone;
  private long arrivals;
  private float[][] rows = {};

  /// What is counted from the start.
  private static final class Counters {
    private long promptTokens;
    private long outputTokens;
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
    this.budget = new StepBudget(config.maxNumBatchedTokens());
    this.runner = new ModelRunner(backend, model, config, pages);
    this.thread = Thread.ofPlatform().name("engine").start(this::loop);
  }

  public EngineConfig config() {
    return config;
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
    if (open.incrementAndGet() > config.maxNumSeqs() + config.maxWaiting()) {
      open.decrementAndGet();
      throw new QueueFullException(
          "%d requests are computed and %d wait; try again later"
              .formatted(config.maxNumSeqs(), config.maxWaiting()));
    }
    int room = config.maxModelLen() - request.prompt().length;
    int limit = Math.min(request.params().maxTokens(), room);
    Job[] job = new Job[1];
    inbox.add(
        () -> {
          job[0] = new Job(request, listener, tokenizer, eosIds, arrivals++, limit);
          jobs.put(job[0].sequence(), job[0]);
          scheduler.add(job[0].sequence());
        });
    if (gone) {
      bury();
    }
    return () -> inbox.add(() -> end(job[0], Reason.CANCELLED, Optional.empty()));
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
    } catch (RuntimeException e) {
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
    List.copyOf(jobs.values())
        .forEach(job -> end(job, Reason.CANCELLED, Optional.of("the engine has stopped")));
  }

  /// Runs what other threads asked for; with nothing to compute it waits for that.
  private void takeIn() throws InterruptedException {
    Runnable next = scheduler.isIdle() ? inbox.take() : inbox.poll();
    while (next != null) {
      next.run();
      next = inbox.poll();
    }
    long now = System.nanoTime();
    for (Job job : List.copyOf(jobs.values())) {
      if (job.isLate(now)) {
        end(job, Reason.CANCELLED, Optional.of("its time was up"));
      }
    }
  }

  private void end(Job job, Reason reason, Optional<String> error) {
    if (jobs.remove(job.sequence()) != null) {
      scheduler.remove(job.sequence());
      open.decrementAndGet();
      tell(job, () -> job.end(reason, Optional.empty(), error, System.nanoTime()));
    }
  }

  private void step() {
    long start = System.nanoTime();
    Step step = scheduler.next(config.maxNumBatchedTokens(), budget.tokens());
    for (Slice slice : step.slices()) {
      if (slice.from() == slice.sequence().cached() && slice.sequence().preemptions() == 0) {
        count(slice);
      }
      jobs.get(slice.sequence()).begin(start);
    }
    long modelStart = System.nanoTime();
    try {
      runner.run(step);
    } catch (RuntimeException | OutOfMemoryError e) {
      fail(step, e);
      return;
    }
    long computed = System.nanoTime();
    scheduler.done(step);
    int decodes = step.decodes();
    counters.promptTokens += step.tokens() - decodes;
    counters.modelNanos += speak(step) + computed - modelStart;
    long now = System.nanoTime();
    budget.took(decodes, step.tokens() - decodes, now - start);
    counters.steps++;
    counters.stepNanos += now - start;
  }

  private void count(Slice slice) {
    if (config.prefixCaching() && !slice.sequence().scored()) {
      counters.prefixQueries += slice.sequence().promptLength();
      counters.prefixHits += slice.sequence().cached();
    }
  }

  private void fail(Step step, Throwable failure) {
    LOG.error("a forward pass failed; its {} requests end", step.slices().size(), failure);
    String message = String.valueOf(failure.getMessage());
    List<Job> lost = step.slices().stream().map(slice -> jobs.get(slice.sequence())).toList();
    scheduler.failed(step);
    lost.forEach(job -> end(job, Reason.FAILED, Optional.of(message)));
  }

  // ---- what comes of a step --------------------------------------------------------------------

  /// Scores prompts and chooses tokens.
  ///
  /// @return the nanoseconds that the model took for it
  private long speak(Step step) {
    long nanos = scorePrompts(step);
    List<Job> speaking = new ArrayList<>();
    int[] last = new int[step.slices().size()];
    int end = 0;
    for (Slice slice : step.slices()) {
      end += slice.count();
      Job job = jobs.get(slice.sequence());
      if (slice.isLast() && goesOn(job, () -> job.promptDone(System.nanoTime()))) {
        last[speaking.size()] = end - 1;
        speaking.add(job);
      }
    }
    if (speaking.isEmpty()) {
      return nanos;
    }
    int[] ids = Arrays.copyOf(last, speaking.size());
    long start = System.nanoTime();
    float[][] logits = logits(ids);
    nanos += System.nanoTime() - start;
    Object[] chosen = new Object[ids.length];
    IntStream.range(0, ids.length)
        .parallel()
        .forEach(i -> chosen[i] = choose(speaking.get(i), logits[i]));
    for (int i = 0; i < ids.length; i++) {
      Job job = speaking.get(i);
      if (chosen[i] instanceof TokenScore token) {
        counters.outputTokens++;
        goesOn(job, () -> job.add(token, System.nanoTime()));
      } else {
        end(job, Reason.FAILED, Optional.of(String.valueOf(((Exception) chosen[i]).getMessage())));
      }
    }
    return nanos;
  }

  private static Object choose(Job job, float[] logits) {
    try {
      return job.choose(logits);
    } catch (RuntimeException e) {
      return e; // whatever it is, it ends one request alone
    }
  }

  /// Whether a job goes on; one that does not is taken out.
  private boolean goesOn(Job job, BooleanSupplier next) {
    boolean[] goesOn = new boolean[1];
    tell(job, () -> goesOn[0] = next.getAsBoolean());
    if (!goesOn[0] && jobs.remove(job.sequence()) != null) {
      scheduler.remove(job.sequence());
      open.decrementAndGet();
    }
    return goesOn[0];
  }

  /// A listener that fails ends its own request alone.
  private static void tell(Job job, Runnable words) {
    try {
      words.run();
    } catch (RuntimeException e) {
      LOG.warn("request {}: its listener failed; it ends", job.request().id(), e);
    }
  }

  private long scorePrompts(Step step) {
    long nanos = 0;
    int at = 0;
    for (Slice slice : step.slices()) {
      Job job = jobs.get(slice.sequence());
      int end = Math.min(slice.from() + slice.count(), slice.sequence().promptLength() - 1);
      for (int from = slice.from();
          job.wantsPromptScores() && from < end;
          from += runner.maxRows()) {
        int rowsFrom = at + from - slice.from();
        int count = Math.min(runner.maxRows(), end - from);
        long start = System.nanoTime();
        float[][] logits = logits(IntStream.range(rowsFrom, rowsFrom + count).toArray());
        nanos += System.nanoTime() - start;
        score(job, from, logits, count);
      }
      at += slice.count();
    }
    return nanos;
  }

  private static void score(Job job, int from, float[][] logits, int count) {
    int[] tokens = job.sequence().tokens();
    int top = job.request().promptLogprobs().orElse(0);
    List<TokenScore> scores =
        IntStream.range(0, count)
            .parallel()
            .mapToObj(i -> TokenScore.of(logits[i], tokens[from + i + 1], top))
            .toList();
    scores.forEach(job::addPromptScore);
  }

  private float[][] logits(int[] ids) {
    runner.head(ids);
    while (rows.length < ids.length) {
      rows = Arrays.copyOf(rows, rows.length + 1);
      rows[rows.length - 1] = new float[runner.vocabSize()];
    }
    for (int i = 0; i < ids.length; i++) {
      runner.logits(i, rows[i]);
    }
    return rows;
  }

  private EngineStats snapshot() {
    return new EngineStats(
        scheduler.running(),
        scheduler.waiting(),
        pool.usage(),
        counters.promptTokens,
        counters.outputTokens,
        counters.prefixQueries,
        counters.prefixHits,
        scheduler.preemptions(),
        counters.steps,
        counters.stepNanos,
        counters.modelNanos);
  }
}
