package dev.yushan.data.prepare;

import java.nio.file.Path;
import java.util.stream.IntStream;

/// A file of the corpus: some neighbouring shards of a lane.
///
/// @param number among the parts of its source
/// @param first its first shard
/// @param shards how many
record Part(Lane lane, int number, int first, int shards) {
  /// Shards of a part: 32 MiB of text as they are cut by default.
  static final int SHARDS = 4;

  /// All that the file depends on.
  String key() {
    return Lane.key(
        lane.keys().getLast(), "part 2 of shards %d to %d".formatted(first, first + shards - 1));
  }

  IntStream numbers() {
    return IntStream.range(first, first + shards);
  }

  /// The name without ending, below the directories of corpus and excluded documents. With the key
  /// in it, a corpus that is prepared anew is written beside the one that is there, which stays
  /// whole until it is replaced.
  Path name() {
    return Path.of(lane.source().name(), "part-%05d-%s".formatted(number, key().substring(0, 8)));
  }

  /// Below the output directory.
  Path file() {
    String role = Settings.word(lane.source().role());
    return Path.of(role).resolve(name() + ".parquet");
  }
}
