package dev.yushan.data.prepare;

import dev.yushan.data.TokenShards;
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
/// other settings, parts that are no more with what belongs to them, and files that were not
/// finished.
final class Cleaning {
  private Cleaning() {}

  static void run(Path output, List<Lane> lanes, List<Part> parts) {
    Set<Path> used = new HashSet<>();
    for (Lane lane : lanes) {
      for (int step = 0; step < lane.steps().size(); step++) {
        used.add(lane.directory(step));
      }
    }
    for (Part part : parts) {
      used.add(output.resolve(part.file()));
      used.add(CorpusWriter.excluded(output, part));
      used.add(CorpusWriter.receipt(output, part));
      used.add(TokenShards.directory(output, CorpusWriter.tokens(output, part)));
    }
    for (Path stage : list(output.resolve("work"))) {
      if (stage.getFileName().toString().matches("\\d\\d-.*")) {
        deleteDirectories(stage, used);
      }
    }
    deleteDirectories(output.resolve("tokens"), used);
    for (SourceSpec.Role role : SourceSpec.Role.values()) {
      deleteParts(output.resolve(Settings.word(role)), used);
    }
    deleteParts(output.resolve("excluded"), used);
    deleteParts(output.resolve("work/parts"), used);
  }

  /// Directories that are named by a key; what else is there is somebody else's.
  private static void deleteDirectories(Path in, Set<Path> used) {
    list(in).stream()
        .filter(path -> path.getFileName().toString().matches("[0-9a-f]{32}"))
        .filter(path -> !used.contains(path))
        .forEach(DurableFiles::deleteDirectory);
  }

  /// Files of parts in the directories of sources, and those directories where nothing is left.
  private static void deleteParts(Path in, Set<Path> used) {
    for (Path source : list(in)) {
      for (Path file : list(source)) {
        if (file.getFileName().toString().matches("part-\\d{5}[-.].*") && !used.contains(file)) {
          ShardPool.delete(file);
        }
      }
      if (Files.isDirectory(source) && list(source).isEmpty()) {
        ShardPool.delete(source);
      }
    }
  }

  /// Removes all layers of a file.
  static void forget(Lane lane) {
    for (int step = 0; step < lane.steps().size(); step++) {
      DurableFiles.deleteDirectory(lane.directory(step));
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
