package dev.yushan.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The cache that Hugging Face tools download into, read-only: nothing is fetched here (see
/// [dev.yushan.io.hub.Hub]).
///
/// Layout: `models--<org>--<name>/refs/<revision>` holds a commit hash,
/// `models--<org>--<name>/snapshots/<hash>/` the files of that commit, as links into `blobs/`.
/// Datasets lie in `datasets--<org>--<name>`. Source: the manual of `huggingface_hub` on its cache
/// system.
///
/// @param root the directory that holds `models--…`
public record HfCache(Path root) {
  /// The revision that is meant when none is named.
  public static final String DEFAULT_REVISION = "main";

  private static final Pattern PART = Pattern.compile("[\\w](?:[\\w.-]*[\\w])?");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /// Whether a revision is the hash of a commit, and no branch or tag.
  public static boolean isCommit(String revision) {
    return COMMIT.matcher(revision).matches();
  }

  /// The cache of this process's environment: see [#of(Map)].
  public static HfCache ofEnvironment() {
    return of(System.getenv());
  }

  /// The cache that the variables of an environment point to, first that is set: `HF_HUB_CACHE`,
  /// `HUGGINGFACE_HUB_CACHE`, and `hub` below [#home].
  public static HfCache of(Map<String, String> environment) {
    return new HfCache(
        path(environment, "HF_HUB_CACHE")
            .or(() -> path(environment, "HUGGINGFACE_HUB_CACHE"))
            .orElseGet(() -> home(environment).resolve("hub")));
  }

  /// Where the Hugging Face tools keep what is theirs: `HF_HOME`, else `XDG_CACHE_HOME` +
  /// `/huggingface`, else `~/.cache/huggingface`.
  public static Path home(Map<String, String> environment) {
    return path(environment, "HF_HOME")
        .orElseGet(
            () ->
                path(environment, "XDG_CACHE_HOME")
                    .orElseGet(() -> user(environment).resolve(".cache"))
                    .resolve("huggingface"));
  }

  /// The path that a variable holds, `~` being the home directory; nothing if it is not set.
  public static Optional<Path> path(Map<String, String> environment, String name) {
    String value = environment.getOrDefault(name, "");
    if (value.isEmpty()) {
      return Optional.empty();
    }
    boolean tilde = value.equals("~") || value.startsWith("~/");
    return Optional.of(tilde ? Path.of(user(environment) + value.substring(1)) : Path.of(value));
  }

  private static Path user(Map<String, String> environment) {
    return Path.of(environment.getOrDefault("HOME", System.getProperty("user.home")));
  }

  /// The directory of a model: `model` itself if it is a local directory, else the snapshot of the
  /// model with that id (`org/name`) at `revision` (a branch, tag or full commit hash).
  ///
  /// Throws [IllegalArgumentException] that names all that was looked for if there is none.
  public Path resolve(String model, String revision) {
    if (!model.isEmpty() && Files.isDirectory(Path.of(model))) {
      return Path.of(model);
    }
    if (!isId(model)) {
      throw new IllegalArgumentException(
          "model %s: no such directory, and no id of the form org/name; correct the path"
              .formatted(model));
    }
    return snapshot("model", model, revision);
  }

  /// The directory of a model at [#DEFAULT_REVISION].
  public Path resolve(String model) {
    return resolve(model, DEFAULT_REVISION);
  }

  /// The directory of what is downloaded of a repository.
  ///
  /// @param type `model` or `dataset`
  public Path repository(String type, String id) {
    return root.resolve(type + "s--" + id.replace("/", "--"));
  }

  /// The snapshot of a repository at a branch, tag or full commit hash.
  ///
  /// @param type `model` or `dataset`
  /// @throws IllegalArgumentException that names all that was looked for if there is none
  public Path snapshot(String type, String id, String revision) {
    Path repository = repository(type, id);
    String download =
        "yushan download %s%s".formatted(id, type.equals("model") ? "" : " --repo-type " + type);
    if (!Files.isDirectory(repository)) {
      throw new IllegalArgumentException(
          "%s %s: no directory of that name, and no %s in the Hugging Face cache; download it (%s) or set HF_HOME to where it is"
              .formatted(type, id, repository, download));
    }
    Path refs = repository.resolve("refs").normalize();
    Path snapshots = repository.resolve("snapshots");
    Path ref = refs.resolve(revision).normalize();
    if (revision.isEmpty() || !ref.startsWith(refs)) {
      throw new IllegalArgumentException(
          "%s %s: %s is no revision; name a branch, tag or commit".formatted(type, id, revision));
    }
    try {
      boolean known = Files.isRegularFile(ref);
      String commit = known ? Files.readString(ref).strip() : revision;
      Path snapshot = snapshots.resolve(commit);
      if (isCommit(commit) && Files.isDirectory(snapshot)) {
        return snapshot;
      }
      String lookedFor = known ? "%s, which %s names".formatted(snapshot, ref) : ref.toString();
      throw new IllegalArgumentException(
          ("%s %s: revision %s is not in the Hugging Face cache: no %s. There are the branches"
                  + " and tags %s and the commits %s; name one of these, or download it"
                  + " (%s --revision %s)")
              .formatted(
                  type, id, revision, lookedFor, list(refs), list(snapshots), download, revision));
    } catch (IOException e) {
      throw DurableFiles.failed("read", ref, e);
    }
  }

  /// Whether a text can be the id of a repository: `org/name`, or `name` alone as the oldest have.
  public static boolean isId(String text) {
    String[] parts = text.split("/", -1);
    if (parts.length > 2 || text.contains("--") || text.contains("..")) {
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
}
