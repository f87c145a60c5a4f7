package dev.yushan.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// One entry of `dataset` or `eval_dataset`: the name it was asked for by, and its files in order.
///
/// @param epochs how often a pass over the data goes over it; of the last, partial time, documents
///   are drawn
/// @param seed of that draw
/// @param shards a directory like that of the cache, in which its files may be found tokenised
public record Source(
    String name, List<SourceFile> files, double epochs, long seed, Optional<Path> shards) {
  public Source {
    files = List.copyOf(files);
  }

  /// Files that are gone over once.
  public Source(String name, List<SourceFile> files) {
    this(name, files, 1, 0, Optional.empty());
  }
}
