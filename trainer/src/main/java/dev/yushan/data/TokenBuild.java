package dev.yushan.data;

import dev.yushan.data.TokenCache.Keyed;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Makes shards: the calling thread cuts files into records and these into shards, by a rule that
/// looks at nothing but the records; the threads of the pool parse, tokenise and write them. Shards
/// found whole are taken as they are.
final class TokenBuild {
  private static final Logger LOG = LoggerFactory.getLogger(TokenBuild.class);
  private static final int RECORD_OVERHEAD_BYTES = 32;
  private static final long REPORT_NANOS = 10_000_000_000L;

  private final TokenCache cache;
  private final ExecutorService pool;
  private final Semaphore room;
  private final Map<String, Job> jobs = new LinkedHashMap<>();
  private final AtomicLong tokens = new AtomicLong();
  private final long started = System.nanoTime();
  private long reported = started;
  private volatile boolean stopped;

  TokenBuild(TokenCache cache, ExecutorService pool) {
    this.cache = cache;
    this.pool = pool;
    room = new Semaphore(2 * cache.config().threads() + 2);
  }

  private record Job(Keyed unit, List<CompletableFuture<Shard>> shards) {}

  /// Reads `unit` and has its shards made, unless something before it has failed.
  void add(Keyed unit) {
    String key = unit.directory().key();
    if (stopped || jobs.containsKey(key)) {
      return;
    }
    UnitDirectory.Lock lock = unit.directory().lock();
    try {
      Optional<List<Shard>> finished = cache.finished(unit, pool);
      if (finished.isPresent()) {
        lock.close();
        jobs.put(
            key,
            new Job(
                unit, finished.get().stream().map(CompletableFuture::completedFuture).toList()));
        return;
      }
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
    Job job = new Job(unit, new ArrayList<>());
    jobs.put(key, job);
    make(job, lock);
  }

  /// Has the shards made, the last of which opens the lock.
  private void make(Job job, UnitDirectory.Lock lock) {
    Unit unit = job.unit().unit();
    boolean same = true;
    try {
      read(job);
      same = unit.modified().equals(job.unit().modified());
      if (!same) {
        throw new DataException(
            unit.files().getFirst().path() + " changed while it was read: start again");
      }
    } catch (RuntimeException e) {
      stopped = true;
      job.shards().add(CompletableFuture.failedFuture(e));
    }
    boolean changed = !same;
    boolean complete = !stopped;
    CompletableFuture.allOf(job.shards().toArray(CompletableFuture[]::new))
        .whenComplete(
            (done, failure) -> {
              try (lock) {
                if (changed) {
                  // their key is of the former content
                  job.unit().directory().clear();
                } else if (complete && failure == null) {
                  finish(job);
                }
              }
            });
  }

  private void finish(Job job) {
    try {
      job.unit()
          .directory()
          .finish(
              job.shards().size(),
              job.unit().settings(),
              job.unit().unit().files().getFirst().path());
    } catch (UncheckedIOException e) {
      LOG.warn("{}: {}", job.unit().directory().path(), e.toString());
    }
  }

  private void read(Job job) {
    Unit unit = job.unit().unit();
    List<Unit.Positioned> records = new ArrayList<>();
    long bytes = 0;
    try (Unit.UnitReader reader = unit.read()) {
      for (var next = reader.next(); next.isPresent() && !stopped; next = reader.next()) {
        records.add(next.get());
        bytes += next.get().record().bytes() + RECORD_OVERHEAD_BYTES;
        if (bytes >= cache.config().shardBytes()) {
          submit(job, records);
          records = new ArrayList<>();
          bytes = 0;
        }
      }
    }
    if (!records.isEmpty()) {
      submit(job, records);
    }
  }

  private void submit(Job job, List<Unit.Positioned> records) {
    int index = job.shards().size();
    room.acquireUninterruptibly();
    job.shards()
        .add(
            CompletableFuture.supplyAsync(() -> shard(job.unit(), index, records), pool)
                .whenComplete(
                    (shard, failure) -> {
                      room.release();
                      if (failure != null || cache.failsOn(shard)) {
                        stopped = true;
                      }
                    }));
    long now = System.nanoTime();
    if (now - reported > REPORT_NANOS) {
      reported = now;
      LOG.info("tokenising {}: {}", job.unit().unit().files().getFirst().path(), speed());
    }
  }

  private String speed() {
    double seconds = (System.nanoTime() - started) / 1e9;
    return "%,d tokens so far, %,.0f a second".formatted(tokens.get(), tokens.get() / seconds);
  }

  private Shard shard(Keyed unit, int index, List<Unit.Positioned> records) {
    Optional<Shard> found = cache.config().overwrite() ? Optional.empty() : cache.open(unit, index);
    if (found.isPresent()) {
      cache.reused.incrementAndGet();
      return found.get();
    }
    ShardBuilder documents = new ShardBuilder();
    for (Unit.Positioned record : records) {
      cache.encoder().encode(record.record(), record.position(), documents);
    }
    String key = unit.directory().key();
    try {
      ShardWriter.write(
          unit.directory().shard(index),
          documents,
          new ShardInfo(key, index, documents.counts(), documents.bad()));
    } catch (UncheckedIOException e) {
      throw unit.directory().unwritable(e.getCause());
    }
    cache.tokenized.incrementAndGet();
    tokens.addAndGet(documents.tokens());
    return cache
        .open(unit, index)
        .orElseThrow(
            () ->
                new DataException(
                    unit.directory().shard(index) + " was damaged while it was written"));
  }

  /// Waits for everything. The failure that is first in the order of the data is the one thrown,
  /// whichever came first in time.
  Map<String, List<Shard>> join() {
    Map<String, List<Shard>> made = new LinkedHashMap<>();
    for (Job job : jobs.values()) {
      List<Shard> shards = new ArrayList<>();
      for (CompletableFuture<Shard> future : job.shards()) {
        Shard shard = Failures.join(future);
        cache.check(job.unit().unit(), shard);
        shards.add(shard);
      }
      made.put(job.unit().directory().key(), shards);
    }
    if (tokens.get() > 0) {
      LOG.info("tokenised {}", speed());
    }
    return made;
  }
}
