package dev.yushan.io.hub;

import dev.yushan.io.HfCache;
import dev.yushan.io.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Models and datasets of the Hugging Face Hub: what the cache does not hold is downloaded. The
/// cache is that of the Python tools, in both directions.
///
/// Several files come at a time, each is checked by its checksum before it gets its name, what is
/// broken off goes on from there, and processes that want the same wait for each other.
///
/// ```java
/// Path model = Hub.ofEnvironment().model("org/name", "main", ModelFiles.ALL);
/// ```
public final class Hub {
  private static final Logger LOG = LoggerFactory.getLogger(Hub.class);

  /// Left free on the disk.
  private static final long RESERVE = 1 << 20;

  private final HubSettings settings;
  private final HubProgress progress;

  public Hub(HubSettings settings, HubProgress progress) {
    this.settings = settings;
    this.progress = progress;
  }

  /// As the environment says, with its progress in the log.
  public static Hub ofEnvironment() {
    HubSettings settings = HubSettings.ofEnvironment();
    return new Hub(settings, settings.progressBars() ? HubProgress.logged() : HubProgress.silent());
  }

  /// The directory of a model: `name` itself if it is a directory here, else the snapshot of the
  /// model with that id.
  ///
  /// @throws IllegalArgumentException if `name` is neither
  /// @throws HubException if it cannot be downloaded
  public Path model(String name, String revision, FileChoice files) {
    boolean local = !name.isEmpty() && Files.isDirectory(Path.of(name));
    if (local || !HfCache.isId(name)) {
      return new HfCache(settings.cache()).resolve(name, revision);
    }
    try {
      return download(new HubRepo(RepoType.MODEL, name, revision), files);
    } catch (HubException e) {
      // a name may be meant as that of a directory here
      throw e.reason() == Reason.NOT_FOUND || e.reason() == Reason.UNREACHABLE
          ? new HubException(
              e.reason(), "%s is no directory here, and %s".formatted(name, e.getMessage()), e)
          : e;
    }
  }

  /// The directory with the wanted files of a repository, and maybe others of it.
  ///
  /// Where the hub cannot be reached, or gives no access (any more), and the cache holds all that
  /// is wanted at the revision as it last was, that is taken, with a warning.
  ///
  /// @throws HubException if it cannot be downloaded
  public Path download(HubRepo repo, FileChoice files) {
    RepoCache cache = new RepoCache(repo, settings.cache(), settings.symlinks());
    Optional<Path> pinned =
        cache
            .commit()
            .filter(commit -> repo.revision().equals(commit) && cache.tree(commit).isPresent())
            .flatMap(commit -> whole(cache, commit, files));
    if (pinned.isPresent()) {
      return pinned.get();
    }
    if (settings.offline()) {
      return cached(repo, cache, files);
    }
    try (HubClient client = new HubClient(settings)) {
      RepoTree tree;
      try {
        tree = tree(client, cache, 0);
      } catch (HubException e) {
        Optional<Path> instead = instead(cache, files, e);
        if (instead.isPresent()) {
          return instead.get();
        }
        if (e.reason() != Reason.UNREACHABLE) {
          throw e;
        }
        tree = tree(client, cache, settings.retries());
      }
      return download(client, cache, tree, files);
    }
  }

  private static RepoTree tree(HubClient client, RepoCache cache, int retries) {
    String revision = cache.repo().revision();
    String commit = HfCache.isCommit(revision) ? revision : client.commit(cache.repo(), retries);
    return cache.tree(commit).orElseGet(() -> client.tree(cache.repo(), commit, retries));
  }

  /// What the cache holds, if that is all that is wanted and as far as can be told from a list of
  /// the commit's files. Of a snapshot that came without one (from older Python tools) nothing is
  /// known to be missing.
  private static Optional<Path> whole(RepoCache cache, String commit, FileChoice files) {
    Optional<RepoTree> tree = cache.tree(commit);
    List<String> there = cache.paths(commit);
    List<String> wanted = files.of(tree.map(RepoTree::paths).orElse(there));
    return !wanted.isEmpty() && there.containsAll(wanted)
        ? Optional.of(cache.snapshot(commit))
        : Optional.empty();
  }

  private static Optional<Path> instead(RepoCache cache, FileChoice files, HubException e) {
    if (e.reason() == Reason.NO_REVISION || e.reason() == Reason.NAME) {
      return Optional.empty();
    }
    Optional<Path> whole = cache.commit().flatMap(commit -> whole(cache, commit, files));
    whole.ifPresent(path -> LOG.warn("{}; taking what the cache holds, {}", e.getMessage(), path));
    return whole;
  }

  private Path cached(HubRepo repo, RepoCache cache, FileChoice files) {
    Optional<Path> whole = cache.commit().flatMap(commit -> whole(cache, commit, files));
    if (whole.isPresent()) {
      return whole.get();
    }
    String offline = "; nothing is downloaded, since HF_HUB_OFFLINE is set: unset it to download";
    try {
      Path snapshot =
          new HfCache(settings.cache()).snapshot(repo.type().word(), repo.id(), repo.revision());
      String commit = snapshot.getFileName().toString();
      List<String> wanted = files.of(cache.tree(commit).map(RepoTree::paths).orElse(List.of()));
      List<String> missing = new ArrayList<>(wanted);
      missing.removeAll(cache.paths(commit));
      throw new HubException(
          Reason.OFFLINE,
          "%s is not whole in the cache: %s lacks %s%s"
              .formatted(
                  repo,
                  snapshot,
                  missing.isEmpty() ? "all files that are wanted" : String.join(", ", missing),
                  offline));
    } catch (IllegalArgumentException e) {
      throw new HubException(Reason.OFFLINE, e.getMessage() + offline, e);
    }
  }

  private Path download(HubClient client, RepoCache cache, RepoTree tree, FileChoice files) {
    List<RepoFile> wanted = tree.only(files.of(tree.paths()));
    if (wanted.isEmpty()) {
      throw new HubException(
          Reason.NOT_FOUND,
          "%s has no file of those that are wanted; it has %s"
              .formatted(cache.repo(), some(tree.paths())));
    }
    List<RepoFile> missing =
        wanted.stream().filter(file -> !cache.has(tree.commit(), file)).toList();
    if (!missing.isEmpty()) {
      cache.prepare(tree);
      fetch(client, cache, tree.commit(), missing);
    }
    nameRevision(cache, tree.commit(), missing.isEmpty());
    return cache.snapshot(tree.commit());
  }

  /// @param onlyRead nothing had to be written: the cache may be one that cannot be
  private static void nameRevision(RepoCache cache, String commit, boolean onlyRead) {
    try {
      cache.name(commit);
    } catch (HubException e) {
      if (!onlyRead) {
        throw e;
      }
      LOG.debug("{} is not noted in the cache", commit, e);
    }
  }

  private static String some(List<String> paths) {
    int shown = Math.min(20, paths.size());
    String more = paths.size() > shown ? " and %d more".formatted(paths.size() - shown) : "";
    return paths.isEmpty() ? "none at all" : String.join(", ", paths.subList(0, shown)) + more;
  }

  private void fetch(HubClient client, RepoCache cache, String commit, List<RepoFile> missing) {
    Map<String, List<RepoFile>> byBlob = new LinkedHashMap<>();
    missing.forEach(
        file -> byBlob.computeIfAbsent(file.blob(), blob -> new ArrayList<>()).add(file));
    List<List<RepoFile>> groups = List.copyOf(byBlob.values());
    List<BlobDownload> downloads =
        groups.stream()
            .map(
                same ->
                    new BlobDownload(
                        client, settings, cache, commit, same.getFirst(), this::advanced))
            .toList();
    long bytes =
        downloads.stream()
            .filter(d -> !RepoCache.hasSize(cache.blob(d.file()), d.file().size()))
            .mapToLong(d -> d.file().size())
            .sum();
    requireSpace(cache, bytes - downloads.stream().mapToLong(BlobDownload::partLength).sum());
    progress.started(cache.repo(), missing.size(), bytes);
    try {
      all(downloads, groups, cache, commit);
    } finally {
      progress.ended();
    }
  }

  private void advanced(long bytes) {
    synchronized (progress) {
      progress.advanced(bytes);
    }
  }

  /// Several at a time; the first failure ends the others.
  private void all(
      List<BlobDownload> downloads, List<List<RepoFile>> groups, RepoCache cache, String commit) {
    ExecutorService threads = Executors.newFixedThreadPool(settings.connections());
    try {
      var done = new ExecutorCompletionService<Void>(threads);
      for (int i = 0; i < downloads.size(); i++) {
        BlobDownload download = downloads.get(i);
        List<RepoFile> same = groups.get(i);
        done.submit(
            () -> {
              download.run();
              same.forEach(file -> cache.link(commit, file));
              synchronized (progress) {
                same.forEach(file -> progress.arrived(file.path()));
              }
              return null;
            });
      }
      for (int i = 0; i < downloads.size(); i++) {
        join(done.take());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new HubException(Reason.UNREACHABLE, "the download was interrupted; start it again", e);
    } finally {
      threads.shutdownNow();
      threads.close();
    }
  }

  private static void join(Future<?> future) throws InterruptedException {
    try {
      future.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new IllegalStateException(e.getCause());
      }
    }
  }

  private static void requireSpace(RepoCache cache, long bytes) {
    try {
      long free = Files.getFileStore(cache.directory()).getUsableSpace();
      if (bytes > 0 && bytes + RESERVE > free) {
        throw new HubException(
            Reason.DISK,
            "%s takes %s more, but the disk of %s has %s free; free some space, set HF_HUB_CACHE to another disk, or name the files you need"
                .formatted(
                    cache.repo(), HubProgress.size(bytes), cache.root(), HubProgress.size(free)));
      }
    } catch (IOException e) {
      LOG.debug("the free space of {} is unknown", cache.root(), e);
    }
  }
}
