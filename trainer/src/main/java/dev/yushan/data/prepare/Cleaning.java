package dev.yushan.data.prepare;

import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// Removes what an earlier preparation left in the directory and this one does not use: layers of
/// other settings, and parts that are no more.
final class Cleaning {
  private Cleaning() {}

  static void run(Path output, List<Lane> lanes, List<Part> parts) {
    Set<Path> layers = new HashSet<>();
    for (Lane lane : lanes) {
      for (int step = 0; step < lane.steps().size(); step++) {
        layers.add(lane.directory(step));
      }
    }
    Set<Path> tokens = new HashSet<>(CorpusWriter.tokens(output, parts));
    for (Path directory : list(output.resolve("tokens"))) {
      if (!tokens.contains(directory)) {
        DurableFiles.deleteDirectory(directory);
      }
    }
    for (Path stage : list(output.resolve("work"))) {
      if (stage.getFileName().toString().matches("\\d\\d-.*")) {
        for (Path directory : list(stage)) {
          if (!layers.contains(directory)) {
            DurableFiles.deleteDirectory(directory);
          }
        }
      }
    }
    Set<Path> files = new HashSet<>();
    parts.forEach(part -> files.add(output.resolve(part.file())));
    for (SourceSpec.Role role : SourceSpec.Role.values()) {
      for (Path source : list(output.resolve(Settings.word(role)))) {
        for (Path file : list(source)) {
          if (file.getFileName().toString().matches("part-\\d{5}\\.parquet")
              && !files.contains(file)) {
            ShardPool.delete(file);
          }
        }
      }
    }
  }

  /// Removes what a process that was killed had not finished.
  static void leftovers(Path output) {
    try (Stream<Path> paths = Files.walk(output)) {
      for (Path directory : paths.filter(Files::isDirectory).toList()) {
        if (Files.exists(directory)) {
          DurableFiles.clearLeftovers(directory);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(output + " cannot be listed; check its permissions", e);
    }
  }

  private static List<Path> list(Path directory) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> paths = Files.list(directory)) {
      return paths.sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(directory + " cannot be listed; check its permissions", e);
    }
  }
}
