package dev.yushan.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Where tokenised shards live, and who makes them.
///
/// @param directory kept between runs; several processes may share it (key `tokenized_cache_dir`)
/// @param threads tokenising threads; the result does not depend on them
/// @param shardBytes a shard ends with the record that reaches this many bytes of source
/// @param overwrite whether what is in the cache is made again
/// @param others directories like it in which shards may be found, and none are made
public record CacheConfig(
    Path directory, int threads, long shardBytes, boolean overwrite, List<Path> others) {
  /// 4 MiB of text: about a second of tokenising.
  public static final long SHARD_BYTES = 4L << 20;

  public CacheConfig {
    others = List.copyOf(others);
    if (threads < 1) {
      throw new DataException("preprocessing_num_workers: " + threads + " is less than one");
    }
    if (shardBytes < 1) {
      throw new DataException("a shard of " + shardBytes + " bytes holds no record");
    }
  }

  /// With no others.
  public CacheConfig(Path directory, int threads, long shardBytes, boolean overwrite) {
    this(directory, threads, shardBytes, overwrite, List.of());
  }

  /// Shards of the usual size in `directory`.
  public static CacheConfig of(Path directory, int threads) {
    return new CacheConfig(directory, threads, SHARD_BYTES, false);
  }

  /// The same, but everything is tokenised again.
  public CacheConfig overwriting() {
    return new CacheConfig(directory, threads, shardBytes, true, others);
  }

  /// The same, with `others` to look into.
  CacheConfig with(List<Path> more) {
    return new CacheConfig(directory, threads, shardBytes, overwrite, more);
  }

  /// The directory used when none is configured: `$YUSHAN_CACHE`, else `$XDG_CACHE_HOME/yushan`,
  /// else `~/.cache/yushan`.
  public static Path defaultDirectory(Map<String, String> environment) {
    String own = environment.getOrDefault("YUSHAN_CACHE", "");
    if (!own.isEmpty()) {
      return Path.of(own);
    }
    String xdg = environment.getOrDefault("XDG_CACHE_HOME", "");
    return xdg.isEmpty()
        ? Path.of(System.getProperty("user.home"), ".cache", "yushan")
        : Path.of(xdg, "yushan");
  }
}
