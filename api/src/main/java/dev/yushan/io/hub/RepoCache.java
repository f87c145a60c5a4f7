package dev.yushan.io.hub;

import dev.yushan.io.DurableFiles;
import dev.yushan.io.HfCache;
import dev.yushan.io.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;

/// What the cache holds of a repository, in the layout of `huggingface_hub`:
///
///     models--org--name/blobs/<checksum>              the files
///                       snapshots/<commit>/<path>     links to them
///                       refs/<revision>               the commit that a branch or tag was
///                       trees/<commit>.json           what a commit has
///     .locks/models--org--name/<checksum>.lock
///
/// A reference is written when all that it was asked for is there: until then the former one stays.
///
/// @param symlinks whether files of a snapshot may be links
record RepoCache(HubRepo repo, Path root, boolean symlinks) {

  Path directory() {
    return new HfCache(root).repository(repo.type().word(), repo.id());
  }

  Path blob(RepoFile file) {
    return directory().resolve("blobs").resolve(file.blob());
  }

  /// Not the name that Python tools use: their locks and those of Java do not see each other.
  Path partial(RepoFile file) {
    return directory().resolve("blobs").resolve(file.blob() + ".yushan.incomplete");
  }

  Path locks() {
    return root.resolve(".locks").resolve(directory().getFileName());
  }

  Path snapshot(String commit) {
    return directory().resolve("snapshots").resolve(commit);
  }

  boolean has(String commit, RepoFile file) {
    return hasSize(snapshot(commit).resolve(file.path()), file.size());
  }

  static boolean hasSize(Path path, long size) {
    try {
      return Files.isRegularFile(path) && Files.size(path) == size;
    } catch (IOException e) {
      return false;
    }
  }

  /// The commit that the revision is, as far as the cache knows.
  Optional<String> commit() {
    if (HfCache.isCommit(repo.revision())) {
      return Optional.of(repo.revision());
    }
    Path ref = directory().resolve("refs").resolve(repo.revision());
    try {
      return Files.isRegularFile(ref)
          ? Optional.of(Files.readString(ref).strip()).filter(HfCache::isCommit)
          : Optional.empty();
    } catch (IOException e) {
      throw failed(ref, e);
    }
  }

  Optional<RepoTree> tree(String commit) {
    Path file = trees(commit);
    try {
      return Files.isRegularFile(file)
          ? RepoTree.parse(commit, Files.readString(file))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /// The paths of what is there of a commit; nothing if there is no snapshot of it.
  List<String> paths(String commit) {
    Path snapshot = snapshot(commit);
    if (!Files.isDirectory(snapshot)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(snapshot)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> snapshot.relativize(file).toString().replace('\\', '/'))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw failed(snapshot, e);
    }
  }

  /// Makes the directories, and keeps what the commit has.
  void prepare(RepoTree tree) {
    try {
      Files.createDirectories(directory().resolve("blobs"));
      Files.createDirectories(snapshot(tree.commit()));
      Files.createDirectories(locks());
      if (tree(tree.commit()).isEmpty()) {
        replace(trees(tree.commit()), tree.toJson());
      }
    } catch (IOException e) {
      throw failed(directory(), e);
    }
  }

  /// Puts a blob that is there into the snapshot.
  void link(String commit, RepoFile file) {
    Path place = snapshot(commit).resolve(file.path());
    try {
      Files.createDirectories(place.getParent());
      if (Files.exists(place, LinkOption.NOFOLLOW_LINKS) && !has(commit, file)) {
        Files.delete(place);
      }
      if (!Files.exists(place)) {
        link(place, blob(file));
      }
    } catch (IOException e) {
      throw failed(place, e);
    }
  }

  private void link(Path place, Path blob) throws IOException {
    if (symlinks) {
      try {
        Files.createSymbolicLink(place, place.getParent().relativize(blob));
        return;
      } catch (FileAlreadyExistsException e) {
        return; // another process was as fast
      } catch (UnsupportedOperationException | IOException e) {
        // this file system, or on Windows this user, can have none: a copy does
      }
    }
    Path draft = draft(place);
    Files.copy(blob, draft);
    Files.move(draft, place, StandardCopyOption.ATOMIC_MOVE);
  }

  /// Notes what the revision is, unless that is known or the cache is only to be read.
  void name(String commit) {
    Path ref = directory().resolve("refs").resolve(repo.revision());
    if (repo.revision().equals(commit) || commit().equals(Optional.of(commit))) {
      return;
    }
    try {
      replace(ref, commit);
    } catch (IOException e) {
      throw failed(ref, e);
    }
  }

  /// Not drafted beside it: whoever looks through references or snapshots takes all for one.
  private void replace(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Path draft = draft(file);
    Files.writeString(draft, text);
    Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    DurableFiles.sync(file.getParent());
  }

  private Path draft(Path file) {
    String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    return directory().resolve("blobs").resolve(file.getFileName() + "." + random + ".incomplete");
  }

  private Path trees(String commit) {
    return directory().resolve("trees").resolve(commit + ".json");
  }

  /// What to say where the cache cannot be written or read.
  static HubException failed(Path file, IOException e) {
    String why = HubFailures.reason(e);
    return new HubException(
        Reason.DISK,
        why.contains("No space left")
            ? "the disk of %s is full; what has come is kept: free some space and start again, or set HF_HUB_CACHE to another disk"
                .formatted(file.getParent())
            : "%s cannot be used: %s; mend that, or set HF_HUB_CACHE to a directory that can be written"
                .formatted(file, e),
        e);
  }
}
