package dev.yushan.io.hub;

import dev.yushan.io.HfCache;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A repository of the hub at a revision.
///
/// @param id `org/name`, or `name` alone for the oldest ones
/// @param revision a branch, tag or commit
public record HubRepo(RepoType type, String id, String revision) {
  /// How an address of the hub begins.
  public static final String SCHEME = "hf://";

  // a revision has no slash, but for those of pull requests and conversions
  private static final Pattern ADDRESS =
      Pattern.compile(
          "hf://(?<type>datasets/|models/)?(?<id>(?!datasets/|models/)[^/@]+/[^/@]+)"
              + "(?:@(?<revision>refs/(?:pr|convert)/[^/]+|[^/]+))?(?:/(?<path>.*))?");

  public HubRepo {
    if (!HfCache.isId(id)) {
      throw new HubException(
          HubException.Reason.NAME,
          "%s is no name of a %s of the hub; write org/name".formatted(id, type.word()));
    }
    if (revision.isEmpty() || revision.startsWith("/") || revision.contains("..")) {
      throw new HubException(
          HubException.Reason.NAME,
          "%s: '%s' is no revision; name a branch, tag or commit".formatted(id, revision));
    }
  }

  /// A repository with what is meant in it.
  ///
  /// @param path a file, a directory or a pattern; empty for everything
  public record Address(HubRepo repo, String path) {}

  /// Reads `hf://datasets/org/name@revision/path`, whose parts `@revision` and `/path` may be left
  /// out; without `datasets/` it is a model.
  public static Address parse(String address) {
    Matcher parts = ADDRESS.matcher(address);
    if (!parts.matches()) {
      throw new HubException(
          HubException.Reason.NAME,
          address + " is no address of the hub; write hf://datasets/org/name@revision/path");
    }
    RepoType type = "datasets/".equals(parts.group("type")) ? RepoType.DATASET : RepoType.MODEL;
    String revision = parts.group("revision");
    String path = parts.group("path");
    return new Address(
        new HubRepo(
            type,
            parts.group("id"),
            revision == null ? HfCache.DEFAULT_REVISION : revision.replace("%2F", "/")),
        path == null ? "" : path);
  }

  /// `model org/name`.
  @Override
  public String toString() {
    return type.word() + " " + id;
  }
}
