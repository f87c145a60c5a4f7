package dev.yushan.io.hub;

import dev.yushan.io.DirectoryLock;
import dev.yushan.io.hub.HubException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Brings the bytes of one file into the cache: goes on from where it was broken off, compares the
/// checksum, and shares the work with other processes by a lock.
///
/// @param advanced hears of bytes that have come
record BlobDownload(
    HubClient client,
    HubSettings settings,
    RepoCache cache,
    String commit,
    RepoFile file,
    LongConsumer advanced) {
  private static final Logger LOG = LoggerFactory.getLogger(BlobDownload.class);
  private static final Duration POLL = Duration.ofMillis(100);
  private static final Pattern RANGE = Pattern.compile("bytes (\\d{1,18})-.*");

  /// Returns when the blob is there.
  void run() {
    if (isThere()) {
      return;
    }
    Optional<DirectoryLock> lock = lock();
    try {
      if (!isThere()) {
        download();
      }
    } finally {
      lock.ifPresent(DirectoryLock::close);
    }
  }

  private boolean isThere() {
    return RepoCache.hasSize(cache.blob(file), file.size());
  }

  /// Waits for another process; nothing where the file system has no locks. Then at worst the bytes
  /// of two processes mix, which the checksum tells.
  private Optional<DirectoryLock> lock() {
    boolean told = false;
    try {
      while (true) {
        Optional<DirectoryLock> lock = DirectoryLock.tryLock(cache.locks(), file.blob() + ".lock");
        if (lock.isPresent()) {
          return lock;
        }
        if (!told) {
          LOG.info("{}: another process downloads it; waiting", file.path());
          told = true;
        }
        Patience.sleep(POLL);
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be locked ({}): going on without", cache.locks(), e.toString());
      return Optional.empty();
    }
  }

  private void download() {
    try (PartialFile partial = PartialFile.open(file, cache.partial(file))) {
      advanced.accept(partial.length());
      fetch(partial);
      if (!partial.finish(cache.blob(file))) {
        LOG.warn("{}: what came has another checksum; fetching it once more", file.path());
        advanced.accept(-file.size());
        fetch(partial);
        if (!partial.finish(cache.blob(file))) {
          throw new HubException(
              Reason.WRONG_BYTES,
              "%s of %s: what came has not the checksum that the hub announces, twice; nothing of it is kept. Try again later or in another network: a proxy may change what passes through it"
                  .formatted(file.path(), cache.repo()));
        }
      }
    }
  }

  /// Until the file is whole, through broken connections.
  private void fetch(PartialFile partial) {
    Patience patience = new Patience(settings.retries(), settings.retryDelay());
    while (!partial.isWhole()) {
      long before = partial.length();
      Duration wait;
      try {
        HttpResponse<InputStream> answer =
            client.bytes(cache.repo(), commit, file, partial.length());
        if (take(answer, partial)) {
          continue;
        }
        wait = patience.afterAnswer(answer).orElseThrow(() -> refused(answer));
      } catch (IOException e) {
        if (partial.length() > before) {
          patience.renew();
        }
        if (isAbandoned(e)) {
          throw new HubException(
              Reason.UNREACHABLE, "the download was interrupted; start it again", e);
        }
        wait = patience.afterFailure().orElseThrow(() -> brokenOff(partial, e));
        LOG.info(
            "{}: broken off at {} of {} ({}); going on from there",
            file.path(),
            HubProgress.size(partial.length()),
            HubProgress.size(file.size()),
            HubFailures.reason(e));
      }
      Patience.sleep(wait);
    }
  }

  /// Whether it ends because another file has failed, or the program ends: nothing goes on then.
  private static boolean isAbandoned(IOException e) {
    boolean interrupted = Thread.currentThread().isInterrupted();
    for (Throwable cause = e; cause != null && !interrupted; cause = cause.getCause()) {
      interrupted = cause instanceof InterruptedException;
    }
    return interrupted;
  }

  private HubException refused(HttpResponse<?> answer) {
    return HubFailures.of(cache.repo(), answer, settings);
  }

  private HubException brokenOff(PartialFile partial, IOException e) {
    return new HubException(
        Reason.UNREACHABLE,
        "%s of %s: broken off at %,d of %,d bytes, again and again: %s; what has come is kept: start again to go on from there"
            .formatted(
                file.path(), cache.repo(), partial.length(), file.size(), HubFailures.reason(e)),
        e);
  }

  /// Appends what an answer brings; false if it brings none of the file.
  ///
  /// @throws IOException where the connection breaks off
  private boolean take(HttpResponse<InputStream> answer, PartialFile partial) throws IOException {
    try (InputStream body = new SilenceGuard(answer.body(), settings.silenceTimeout())) {
      boolean isPart = answer.statusCode() == 206;
      boolean outOfRange = answer.statusCode() == 416;
      boolean other = outOfRange || (isPart && start(answer) != partial.length());
      if (other && partial.length() == 0) {
        throw new IOException("the server has no such part (%d)".formatted(answer.statusCode()));
      }
      if (other) {
        giveUp(partial);
        return true;
      }
      if (answer.statusCode() != 200 && !isPart) {
        return false;
      }
      if (!isPart && partial.length() > 0) {
        giveUp(partial); // a server that knows no parts sends all
      }
      copy(body, partial);
      return true;
    }
  }

  private void copy(InputStream body, PartialFile partial) throws IOException {
    byte[] buffer = new byte[1 << 16];
    while (!partial.isWhole()) {
      int wanted = (int) Math.min(buffer.length, file.size() - partial.length());
      int count = body.read(buffer, 0, wanted);
      if (count < 0) {
        throw new IOException("the server ended too early");
      }
      partial.append(buffer, count);
      advanced.accept(count);
    }
  }

  private void giveUp(PartialFile partial) {
    advanced.accept(-partial.length());
    partial.restart();
  }

  private static long start(HttpResponse<?> answer) {
    Matcher range = RANGE.matcher(answer.headers().firstValue("Content-Range").orElse(""));
    return range.matches() ? Long.parseLong(range.group(1)) : -1;
  }

  /// What is there of it already.
  long partLength() {
    try {
      return Files.exists(cache.partial(file)) ? Files.size(cache.partial(file)) : 0;
    } catch (IOException e) {
      return 0;
    }
  }
}
