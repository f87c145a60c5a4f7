package dev.yushan.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.NoSuchFileException;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Finds the shards of units in the cache, and has those made that are missing or damaged.
///
/// A unit is known by the hash of its content and of all settings that its documents depend on, so
/// that neither a renamed file nor one with a new date is tokenised again, and a changed one always
/// is.
final class TokenCache {
  private static final Logger LOG = LoggerFactory.getLogger(TokenCache.class);

  private final CacheConfig config;
  private final DocumentEncoder encoder;
  private final OnBadRecord onBadRecord;
  private final Arena arena;
  final AtomicInteger reused = new AtomicInteger();
  final AtomicInteger tokenized = new AtomicInteger();
  final AtomicInteger damaged = new AtomicInteger();
  private String fingerprint = "";
  private List<FileHash> files = List.of();

  TokenCache(CacheConfig config, DocumentEncoder encoder, OnBadRecord onBadRecord, Arena arena) {
    this.config = config;
    this.encoder = encoder;
    this.onBadRecord = onBadRecord;
    this.arena = arena;
  }

  CacheConfig config() {
    return config;
  }

  DocumentEncoder encoder() {
    return encoder;
  }

  boolean failsOn(Shard shard) {
    return onBadRecord == OnBadRecord.FAIL && !shard.info().bad().isEmpty();
  }

  /// A unit with its name in the cache.
  ///
  /// @param content a hash of the content of its files
  /// @param modified when its files were last written before they were hashed
  record Keyed(
      Unit unit,
      UnitDirectory directory,
      String settings,
      String content,
      List<FileTime> modified) {}

  /// The shards of every unit, in order.
  List<List<Shard>> open(List<Unit> units) {
    // daemons: a failed start must not keep the process alive
    ExecutorService pool =
        Executors.newFixedThreadPool(
            config.threads(), Thread.ofPlatform().daemon().name("tokenize-", 0).factory());
    try {
      List<Keyed> keyed = keyed(units, pool);
      fingerprint = fingerprint(keyed);
      files = keyed.stream().map(unit -> new FileHash(unit.unit().name(), unit.content())).toList();
      Map<String, List<Shard>> found = finished(keyed, pool);
      TokenBuild build = new TokenBuild(this, pool);
      for (Keyed unit : keyed) {
        if (!found.containsKey(unit.directory().key())) {
          build.add(inOwnDirectory(unit));
        }
      }
      found.putAll(build.join());
      return keyed.stream().map(unit -> found.get(unit.directory().key())).toList();
    } finally {
      // waits for what has begun: it is a few shards, and the locks are released at their end
      pool.close();
    }
  }

  /// What was opened, as a number: a hash of the content of all files and of all settings that
  /// their documents depend on.
  String fingerprint() {
    return fingerprint;
  }

  /// The content of the files that were opened, one for each unit.
  List<FileHash> files() {
    return files;
  }

  private static String fingerprint(List<Keyed> keyed) {
    return ContentHash.ofText(
        keyed.stream().map(unit -> unit.directory().key()).collect(Collectors.joining("\n")));
  }

  private List<Keyed> keyed(List<Unit> units, ExecutorService pool) {
    List<List<FileTime>> modified = units.stream().map(Unit::modified).toList();
    List<List<CompletableFuture<String>>> hashes =
        units.stream()
            .map(unit -> unit.files().stream().map(f -> ContentHash.start(f.path(), pool)).toList())
            .toList();
    List<Keyed> keyed = new ArrayList<>();
    for (int u = 0; u < units.size(); u++) {
      String settings = settings(encoder, units.get(u).files().getFirst(), config.shardBytes());
      List<String> contents = hashes.get(u).stream().map(Failures::join).toList();
      String key = key(settings, contents);
      keyed.add(
          new Keyed(
              units.get(u),
              directory(key),
              settings,
              ContentHash.ofText(String.join("\n", contents)),
              modified.get(u)));
    }
    return keyed;
  }

  /// Where the shards of a unit are, or are to be made.
  private UnitDirectory directory(String key) {
    return config.others().stream()
        .map(other -> UnitDirectory.of(other, key))
        .filter(found -> found.finishedShards().isPresent())
        .findFirst()
        .orElseGet(() -> UnitDirectory.of(config.directory(), key));
  }

  /// Others' shards are cut as their maker cut them: none of them is put among our own.
  private Keyed inOwnDirectory(Keyed unit) {
    UnitDirectory own = UnitDirectory.of(config.directory(), unit.directory().key());
    return new Keyed(unit.unit(), own, unit.settings(), unit.content(), unit.modified());
  }

  /// All that the shards of a unit depend on besides the content of its files.
  static String settings(DocumentEncoder encoder, SourceFile first, long shardBytes) {
    return encoder.settings(first) + "; shards of " + shardBytes + " bytes";
  }

  /// The name of a unit in the cache.
  ///
  /// @param contents the hash of each of its files
  static String key(String settings, List<String> contents) {
    return ContentHash.ofText(settings + "\n" + String.join("\n", contents));
  }

  /// The units that need no work, by key.
  private Map<String, List<Shard>> finished(List<Keyed> units, ExecutorService pool) {
    Map<String, List<CompletableFuture<Optional<Shard>>>> opening = new LinkedHashMap<>();
    for (Keyed unit : units) {
      if (!opening.containsKey(unit.directory().key())) {
        startOpening(unit, pool).ifPresent(shards -> opening.put(unit.directory().key(), shards));
      }
    }
    Map<String, List<Shard>> found = new LinkedHashMap<>();
    opening.forEach((key, shards) -> whole(shards).ifPresent(all -> found.put(key, all)));
    for (Keyed unit : units) {
      found.getOrDefault(unit.directory().key(), List.of()).forEach(s -> check(unit.unit(), s));
    }
    return found;
  }

  /// The shards of `unit`, if all of them are there and whole.
  Optional<List<Shard>> finished(Keyed unit, ExecutorService pool) {
    return startOpening(unit, pool).flatMap(this::whole);
  }

  private Optional<List<CompletableFuture<Optional<Shard>>>> startOpening(
      Keyed unit, ExecutorService pool) {
    OptionalInt shards = unit.directory().finishedShards();
    if (shards.isEmpty() || config.overwrite()) {
      return Optional.empty();
    }
    List<CompletableFuture<Optional<Shard>>> opening = new ArrayList<>();
    for (int i = 0; i < shards.getAsInt(); i++) {
      int index = i;
      opening.add(CompletableFuture.supplyAsync(() -> open(unit, index), pool));
    }
    return Optional.of(opening);
  }

  private Optional<List<Shard>> whole(List<CompletableFuture<Optional<Shard>>> opening) {
    List<Optional<Shard>> shards = opening.stream().map(Failures::join).toList();
    if (!shards.stream().allMatch(Optional::isPresent)) {
      return Optional.empty();
    }
    reused.addAndGet(shards.size());
    return Optional.of(shards.stream().map(Optional::get).toList());
  }

  /// The shard, if it is there and whole.
  Optional<Shard> open(Keyed unit, int index) {
    UnitDirectory directory = unit.directory();
    try {
      return Optional.of(Shard.open(directory.shard(index), directory.key(), index, arena));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (Shard.DamagedException e) {
      damaged.incrementAndGet();
      LOG.warn(
          "{} is damaged ({}): tokenising its part of {} again",
          directory.shard(index),
          e.getMessage(),
          unit.unit().files().getFirst().path());
      directory.remove(index);
      return Optional.empty();
    } catch (IOException e) {
      throw new DataException(directory.shard(index) + " cannot be read: " + e.getMessage(), e);
    }
  }

  /// Throws if the shard has bad records and they are errors.
  void check(Unit unit, Shard shard) {
    if (failsOn(shard)) {
      BadRecord first = shard.info().bad().getFirst();
      throw new DataException(
          "%s: %s; repair it, or set on_bad_record: skip to leave such records out"
              .formatted(unit.where(first.position()), first.why()));
    }
  }

  CacheUse use() {
    return new CacheUse(reused.get(), tokenized.get(), damaged.get());
  }
}
