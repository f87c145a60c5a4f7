package dev.yushan.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The directory of one unit in the cache: `shard-00000.bin` …, `done.json` once all of them are
/// there, and `lock`, held by the process that makes them.
///
/// The lock saves work, it does not keep the data right: shards appear whole, and two processes
/// without locks would write the same bytes.
record UnitDirectory(Path path, String key) {
  private static final Logger LOG = LoggerFactory.getLogger(UnitDirectory.class);
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String LOCK = "lock";
  private static final int LOCK_POLL_MILLIS = 100;

  static UnitDirectory of(Path cache, String key) {
    return new UnitDirectory(cache.resolve("tokens").resolve(key.substring(0, 32)), key);
  }

  Path shard(int index) {
    return path.resolve("shard-%05d.bin".formatted(index));
  }

  private Path done() {
    return path.resolve("done.json");
  }

  /// The number of shards, if all of them were made.
  OptionalInt finishedShards() {
    try {
      JsonNode done = MAPPER.readTree(Files.readAllBytes(done()));
      boolean valid = done.path("key").asText().equals(key) && done.path("shards").isInt();
      return valid ? OptionalInt.of(done.get("shards").intValue()) : OptionalInt.empty();
    } catch (NoSuchFileException e) {
      return OptionalInt.empty();
    } catch (IOException e) {
      LOG.warn("{} cannot be read ({}): looking at the shards themselves", done(), e.toString());
      return OptionalInt.empty();
    }
  }

  /// Notes that there are `shards` of them, and for people what they were made of.
  void finish(int shards, String settings, Path madeOf) {
    ObjectNode json = MAPPER.createObjectNode().put("key", key).put("shards", shards);
    json.put("settings", settings).put("made_of", madeOf.toString());
    DurableFiles.write(done(), json + "\n");
  }

  /// Removes all shards.
  void clear() {
    try (Stream<Path> files = Files.list(path)) {
      for (Path file : files.toList()) {
        if (!file.endsWith(LOCK)) {
          Files.deleteIfExists(file);
        }
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be tidied: {}", path, e.toString());
    }
  }

  /// Removes one shard.
  void remove(int index) {
    try {
      Files.deleteIfExists(shard(index));
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  /// Waits until no other process makes this unit, and keeps them from beginning until closed.
  Lock lock() {
    try {
      Files.createDirectories(path);
      FileChannel channel =
          FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      Lock lock = new Lock(channel);
      try {
        waitFor(channel);
        return lock;
      } catch (IOException | RuntimeException e) {
        lock.close();
        throw e;
      }
    } catch (IOException e) {
      throw unwritable(e);
    } catch (UncheckedIOException e) {
      throw unwritable(e.getCause());
    }
  }

  private void waitFor(FileChannel channel) throws IOException {
    boolean told = false;
    while (true) {
      try {
        if (channel.tryLock() != null) {
          // whoever left these is gone
          DurableFiles.clearLeftovers(path);
          return;
        }
      } catch (OverlappingFileLockException e) {
        // another thread of this process has it
        LOG.trace("{} is locked by this process", path);
      } catch (IOException e) {
        LOG.warn("{} cannot be locked ({}): going on without", path, e.toString());
        return;
      }
      if (!told) {
        LOG.info("{}: another process tokenises this data; waiting for it", path);
        told = true;
      }
      try {
        Thread.sleep(LOCK_POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new DataException(
            path
                + ": the wait for another process that tokenises this data was interrupted; start"
                + " again",
            e);
      }
    }
  }

  DataException unwritable(IOException e) {
    return new DataException(
        "the cache of tokenised data cannot be written in %s; free some space, or set tokenized_cache_dir or YUSHAN_CACHE to another directory"
            .formatted(path),
        e);
  }

  /// Held while shards are made.
  record Lock(FileChannel channel) implements AutoCloseable {
    @Override
    public void close() {
      try {
        channel.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
