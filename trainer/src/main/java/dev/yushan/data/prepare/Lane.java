package dev.yushan.data.prepare;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.data.ContentHash;
import dev.yushan.data.Unit;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.OptionalInt;

/// A file of a source on its way through the stages, shard by shard.
///
/// @param modified when its files were last written before they were hashed
/// @param work the directory of all layers
/// @param steps the names of what is done, in order: reading, the stages, counting tokens
/// @param keys for each step a hash of all that its outcome depends on: the content of the file and
///   the settings of all steps so far
record Lane(
    SourceSpec source,
    Unit unit,
    List<FileTime> modified,
    Path work,
    List<String> steps,
    List<String> keys) {
  Lane {
    modified = List.copyOf(modified);
    steps = List.copyOf(steps);
    keys = List.copyOf(keys);
  }

  /// The key of a step.
  ///
  /// @param former that of the step before
  static String key(String former, String step) {
    return ContentHash.ofText(former + "\n" + step);
  }

  /// Where the outcome of a step lies.
  Path directory(int step) {
    return work.resolve("%02d-%s".formatted(step, steps.get(step)))
        .resolve(keys.get(step).substring(0, 32));
  }

  Path layer(int step, int shard) {
    return directory(step).resolve("%05d.layer".formatted(shard));
  }

  /// Another file that a step makes of a shard.
  Path file(int step, int shard, String ending) {
    return directory(step).resolve("%05d.%s".formatted(shard, ending));
  }

  /// How many shards there are, once the file was read to its end.
  OptionalInt shards() {
    try {
      Path done = directory(0).resolve("done.json");
      if (!Files.exists(done)) {
        return OptionalInt.empty();
      }
      JsonNode json = Settings.MAPPER.readTree(done.toFile());
      return json.path("shards").isInt()
          ? OptionalInt.of(json.get("shards").intValue())
          : OptionalInt.empty();
    } catch (IOException e) {
      return OptionalInt.empty(); // it is read again
    }
  }

  /// Notes that the file was read to its end.
  void readToEnd(int shards) {
    ShardPool.createDirectories(directory(0)); // a file without records has left nothing there
    DurableFiles.write(
        directory(0).resolve("done.json"),
        Settings.MAPPER.createObjectNode().put("file", unit.name()).put("shards", shards) + "\n");
  }
}
