package dev.yushan.data;

import dev.yushan.io.hub.FileChoice;
import dev.yushan.io.hub.Hub;
import dev.yushan.io.hub.HubException;
import dev.yushan.io.hub.HubRepo;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.List;
import java.util.stream.Stream;

/// Files of a dataset of the hub: `hf://datasets/org/name@revision/path`, where the path is a file,
/// a directory or a glob, as those of files here; without one all files of known formats are meant.
final class HubFiles {
  private HubFiles() {}

  /// The files in the order of their paths, downloaded where they are not in the cache.
  ///
  /// @throws DataException if there are none, or they cannot be downloaded
  static List<SourceFile> of(String name, TextColumns columns) {
    try {
      HubRepo.Address address = HubRepo.parse(name);
      FileChoice choice = choice(address.path());
      Path snapshot = Hub.ofEnvironment().download(address.repo(), choice);
      try (Stream<Path> files = Files.walk(snapshot)) {
        List<String> there =
            files
                .filter(Files::isRegularFile)
                .map(file -> snapshot.relativize(file).toString().replace('\\', '/'))
                .sorted()
                .toList();
        return choice.of(there).stream()
            .map(path -> Sources.file(snapshot.resolve(path), columns))
            .toList();
      }
    } catch (HubException e) {
      throw new DataException("dataset: " + name + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new DataException("dataset: " + name + " cannot be listed: " + e.getMessage(), e);
    }
  }

  /// One file is taken whatever its format, which is then refused by name.
  private static FileChoice choice(String path) {
    if (Sources.isGlob(path)) {
      PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + path);
      return paths -> paths.stream().filter(p -> matcher.matches(Path.of(p))).toList();
    }
    String directory = path.isEmpty() || path.endsWith("/") ? path : path + "/";
    return paths ->
        paths.contains(path)
            ? List.of(path)
            : paths.stream()
                .filter(p -> p.startsWith(directory) && Format.of(Path.of(p)).isPresent())
                .toList();
  }
}
