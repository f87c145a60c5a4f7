package dev.yushan.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The cache that Hugging Face tools download models into, read-only: nothing is fetched here.
///
/// Layout: `models--<org>--<name>/refs/<revision>` holds a commit hash,
/// `models--<org>--<name>/snapshots/<hash>/` the files of that commit, as links into `blobs/`.
/// Source: the manual of `huggingface_hub` on its cache system.
///
/// @param root the directory that holds `models--…`
public record HfCache(Path root) {
  /// The revision that is meant when none is named.
  public static final String DEFAULT_REVISION = "main";

  private static final Pattern PART = Pattern.compile("[\\w](?:[\\w.-]*[\\w])?");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /// The cache of this process's environment: see [#of(Map)].
  public static HfCache ofEnvironment() {
    return of(System.getenv());
  }

  /// The cache that the variables of an environment point to, first that is set: `HF_HUB_CACHE`,
  /// `HUGGINGFACE_HUB_CACHE`, `HF_HOME` + `/hub`, `XDG_CACHE_HOME` + `/huggingface/hub`, and
  /// `~/.cache/huggingface/hub` if none is.
  public static HfCache of(Map<String, String> environment) {
    Path home = Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")));
    for (String variable : List.of("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")) {
      Optional<Path> set = path(environment, variable, home);
      if (set.isPresent()) {
        return new HfCache(set.get());
      }
    }
    Path cache = path(environment, "XDG_CACHE_HOME", home).orElse(home.resolve(".cache"));
    return new HfCache(
        path(environment, "HF_HOME", home).orElse(cache.resolve("huggingface")).resolve("hub"));
  }

  /// The directory of a model: `model` itself if it is a local directory, else the snapshot of the
  /// model with that id (`org/name`) at `revision` (a branch, tag or full commit hash).
  ///
  /// Throws [IllegalArgumentException] that names all that was looked for if there is none.
  public Path resolve(String model, String revision) {
    if (!model.isEmpty() && Files.isDirectory(Path.of(model))) {
      return Path.of(model);
    }
    if (!isModelId(model)) {
      throw new IllegalArgumentException(
          "model %s: no such directory, and no id of the form org/name; correct the path"
              .formatted(model));
    }
    Path repository = root.resolve("models--" + model.replace("/", "--"));
    if (!Files.isDirectory(repository)) {
      throw new IllegalArgumentException(
          "model %s: no directory of that name, and no %s in the Hugging Face cache; download it"
                  .formatted(model, repository)
              + " (hf download %s) or set HF_HOME to where it is".formatted(model));
    }
    return snapshot(model, repository, revision);
  }

  /// The directory of a model at [#DEFAULT_REVISION].
  public Path resolve(String model) {
    return resolve(model, DEFAULT_REVISION);
  }

  private static Path snapshot(String model, Path repository, String revision) {
    Path refs = repository.resolve("refs");
    Path snapshots = repository.resolve("snapshots");
    Path ref = refs.resolve(revision).normalize();
    if (revision.isEmpty() || !ref.startsWith(refs)) {
      throw new IllegalArgumentException(
          "model %s: %s is no revision; name a branch, tag or commit".formatted(model, revision));
    }
    try {
      boolean known = Files.isRegularFile(ref);
      String commit = known ? Files.readString(ref).strip() : revision;
      Path snapshot = snapshots.resolve(commit);
      if (COMMIT.matcher(commit).matches() && Files.isDirectory(snapshot)) {
        return snapshot;
      }
      String lookedFor = known ? "%s, which %s names".formatted(snapshot, ref) : ref.toString();
      throw new IllegalArgumentException(
          ("model %s: revision %s is not in the Hugging Face cache: no %s. There are the branches"
                  + " and tags %s and the commits %s; name one of these, or download it"
                  + " (hf download %s --revision %s)")
              .formatted(model, revision, lookedFor, list(refs), list(snapshots), model, revision));
    } catch (IOException e) {
      throw DurableFiles.failed("read", ref, e);
    }
  }

  private static boolean isModelId(String model) {
    String[] parts = model.split("/", -1);
    if (parts.length > 2 || model.contains("--") || model.contains("..")) {
      return false;
    }
    return Stream.of(parts).allMatch(part -> PART.matcher(part).matches());
  }

  private static List<String> list(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    int depth = directory.endsWith("refs") ? Integer.MAX_VALUE : 1;
    try (Stream<Path> paths = Files.walk(directory, depth)) {
      return paths
          .filter(path -> depth == 1 ? !path.equals(directory) : Files.isRegularFile(path))
          .map(path -> directory.relativize(path).toString())
          .sorted()
          .toList();
    }
  }

  private static Optional<Path> path(Map<String, String> environment, String name, Path home) {
    String value = environment.getOrDefault(name, "");
    if (value.isEmpty()) {
      return Optional.empty();
    }
    boolean tilde = value.equals("~") || value.startsWith("~/");
    return Optional.of(tilde ? Path.of(home + value.substring(1)) : Path.of(value));
  }
}
