package dev.yushan.engine;

import dev.yushan.engine.Completion.Reason;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The requests that an engine has, computed and waiting. All but [#reserve] is called on the
/// engine's thread.
final class Jobs {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  private final Scheduler scheduler;
  private final Map<Sequence, Job> bySequence = new HashMap<>();
  private final AtomicInteger reserved = new AtomicInteger();

  Jobs(Scheduler scheduler) {
    this.scheduler = scheduler;
  }

  /// Takes a place for one that will be added. Any thread.
  ///
  /// @return false if `most` are taken
  boolean reserve(int most) {
    if (reserved.incrementAndGet() > most) {
      reserved.decrementAndGet();
      return false;
    }
    return true;
  }

  void add(Job job) {
    bySequence.put(job.sequence(), job);
    scheduler.add(job.sequence());
  }

  Job of(Sequence sequence) {
    return bySequence.get(sequence);
  }

  List<Job> all() {
    return List.copyOf(bySequence.values());
  }

  /// Ends one, unless it has ended.
  void end(Job job, Reason reason, Optional<String> error) {
    if (remove(job)) {
      tell(job, () -> job.end(reason, Optional.empty(), error, System.nanoTime()));
    }
  }

  /// Whether a job goes on; one that does not is taken out.
  boolean goesOn(Job job, BooleanSupplier next) {
    boolean[] goesOn = new boolean[1];
    tell(job, () -> goesOn[0] = next.getAsBoolean());
    if (!goesOn[0]) {
      remove(job);
    }
    return goesOn[0];
  }

  private boolean remove(Job job) {
    if (bySequence.remove(job.sequence()) == null) {
      return false;
    }
    scheduler.remove(job.sequence());
    reserved.decrementAndGet();
    return true;
  }

  /// A listener that fails ends its own request alone.
  private static void tell(Job job, Runnable words) {
    try {
      words.run();
    } catch (RuntimeException e) {
      LOG.warn("request {}: its listener failed; it ends", job.request().id(), e);
    }
  }
}
