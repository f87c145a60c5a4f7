package dev.yushan.data;

import dev.yushan.io.hub.HubRepo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Finds the files of a dataset entry.
///
/// A name is, in this order: an entry of `dataset_info.json`; a directory that `yushan prepare`
/// made; a file; a directory (its files of known formats, not those of its sub-directories); a glob
/// (`data/*.jsonl`, `corpus/**.parquet`); an address of the hub (`hf://datasets/org/name/path`),
/// which is downloaded if it is not in the cache. Files of a directory or glob come in the order of
/// their paths, whatever the file system says.
public final class Sources {
  private static final Logger LOG = LoggerFactory.getLogger(Sources.class);

  private Sources() {}

  /// The entries of `config` with their files, in the order given.
  public static List<Source> resolve(SourceConfig config) {
    return resolve(config, false);
  }

  /// The same for entries of `eval_dataset`: of a prepared corpus those sources that are held out.
  public static List<Source> resolveHeldOut(SourceConfig config) {
    return resolve(config, true);
  }

  private static List<Source> resolve(SourceConfig config, boolean heldOut) {
    DatasetInfo info = DatasetInfo.read(config.datasetDir());
    List<Source> sources = new ArrayList<>();
    for (String name : config.names()) {
      if (info.contains(name)) {
        sources.add(info.source(name, config.columns()));
      } else if (isPrepared(name)) {
        sources.addAll(PreparedCorpus.sources(path(name), heldOut));
      } else if (name.startsWith(HubRepo.SCHEME)) {
        sources.add(new Source(name, HubFiles.of(name, config.columns())));
      } else {
        sources.add(new Source(name, files(name, config, info)));
      }
    }
    return sources;
  }

  /// All files of `sources`, one after the other.
  public static List<SourceFile> files(List<Source> sources) {
    return sources.stream().flatMap(s -> s.files().stream()).toList();
  }

  private static List<SourceFile> files(String name, SourceConfig config, DatasetInfo info) {
    TextColumns columns = config.columns();
    Path path = path(name);
    if (Files.isDirectory(path)) {
      return directory(path, columns);
    }
    if (Files.exists(path)) {
      return List.of(file(path, columns));
    }
    if (!isGlob(name)) {
      throw new DataException(
          "dataset: "
              + name
              + " is neither a file ("
              + path.toAbsolutePath()
              + ") nor "
              + info
              + "; correct it");
    }
    List<SourceFile> found =
        glob(name).stream()
            .filter(matched -> !config.leavesOut(matched))
            .map(matched -> file(matched, columns))
            .toList();
    if (found.isEmpty()) {
      throw new DataException(
          "dataset: no file matches "
              + name
              + " in "
              + globRoot(name).toAbsolutePath()
              + "; correct it");
    }
    return found;
  }

  private static boolean isPrepared(String name) {
    return !isGlob(name) && PreparedCorpus.isIn(path(name));
  }

  private static Path path(String name) {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new DataException("dataset: " + name + " is no path: " + e.getMessage(), e);
    }
  }

  static SourceFile file(Path path, TextColumns columns) {
    if (!Files.isReadable(path)) {
      throw new DataException("dataset: " + path + " cannot be read: check its permissions");
    }
    Format format =
        Format.of(path)
            .orElseThrow(
                () ->
                    new DataException(
                        "dataset: " + path + " is of no known format; known: " + Format.known()));
    return new SourceFile(path, format, columns);
  }

  static List<SourceFile> directory(Path directory, TextColumns columns) {
    List<Path> all = list(directory, 1);
    List<SourceFile> known =
        all.stream()
            .filter(p -> Format.of(p).isPresent() && !p.getFileName().toString().startsWith("."))
            .filter(p -> !p.getFileName().toString().equals(DatasetInfo.FILE))
            .map(p -> file(p, columns))
            .toList();
    if (known.isEmpty()) {
      throw new DataException(
          "dataset: " + directory + " holds no file of a known format: " + Format.known());
    }
    if (known.size() < all.size()) {
      LOG.info("{}: {} of {} files are training data", directory, known.size(), all.size());
    }
    return known;
  }

  static boolean isGlob(String name) {
    return name.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
  }

  /// The directory above the first component that has a wildcard.
  private static Path globRoot(String glob) {
    int wildcard = 0;
    while ("*?[{".indexOf(glob.charAt(wildcard)) < 0) {
      wildcard++;
    }
    int slash = glob.lastIndexOf('/', wildcard);
    return slash < 0 ? Path.of("") : Path.of(slash == 0 ? "/" : glob.substring(0, slash));
  }

  private static List<Path> glob(String glob) {
    Path root = globRoot(glob);
    if (!Files.isDirectory(root)) {
      return List.of();
    }
    PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + glob);
    int depth =
        glob.contains("**")
            ? Integer.MAX_VALUE
            : (int) glob.chars().filter(c -> c == '/').count() + 1;
    return list(root, depth).stream()
        .filter(matcher::matches)
        .filter(path -> !path.getFileName().toString().startsWith("."))
        .toList();
  }

  private static List<Path> list(Path directory, int depth) {
    try (Stream<Path> walk = Files.walk(directory, depth)) {
      return walk.filter(Files::isRegularFile)
          .sorted(Comparator.comparing(Path::toString))
          .toList();
    } catch (IOException | UncheckedIOException e) {
      throw new DataException("dataset: " + directory + " cannot be listed: " + e.getMessage(), e);
    }
  }
}
