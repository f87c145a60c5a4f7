package dev.yushan.io.hub;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/// A file of a repository, as the hub announces it.
///
/// @param path in the repository, with `/`
/// @param size in bytes
/// @param blobId the SHA-1 that git gives it; of a large file, that of the pointer to it
/// @param sha256 of a large file (LFS): that of its bytes
record RepoFile(String path, long size, String blobId, Optional<String> sha256) {
  private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

  // all of these become names of files here
  RepoFile {
    if (!isInside(path)) {
      throw new HubException(
          HubException.Reason.NAME,
          "the hub lists a file '%s', which would not lie in the cache; tell the owner of the repository"
              .formatted(path));
    }
    if (!SHA1.matcher(blobId).matches()
        || !sha256.map(SHA256::matcher).map(m -> m.matches()).orElse(true)
        || size < 0) {
      throw new HubException(
          HubException.Reason.UNREACHABLE,
          "the hub lists %s without a checksum or size that can be used; is HF_ENDPOINT a hub?"
              .formatted(path));
    }
  }

  /// Its name among the blobs of the cache.
  String blob() {
    return sha256.orElse(blobId);
  }

  private static boolean isInside(String path) {
    List<String> parts = Arrays.asList(path.split("/", -1));
    return path.chars().noneMatch(c -> c == '\\' || c < ' ' || c == 127)
        && parts.stream().noneMatch(part -> List.of("", ".", "..").contains(part))
        && !path.matches("[A-Za-z]:.*");
  }
}
