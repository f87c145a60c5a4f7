package dev.yushan.io.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// All files of a repository at a commit.
///
/// `huggingface_hub` (from 1.x on) keeps them as JSON in `trees/<commit>.json`, by which it knows
/// without the hub whether a snapshot is whole. The same file is read and written here.
record RepoTree(String commit, List<RepoFile> files) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FORMAT = 1;

  RepoTree {
    files = files.stream().sorted(Comparator.comparing(RepoFile::path)).toList();
  }

  List<String> paths() {
    return files.stream().map(RepoFile::path).toList();
  }

  List<RepoFile> only(List<String> paths) {
    return files.stream().filter(file -> paths.contains(file.path())).toList();
  }

  /// An entry of the hub's `/tree`: nothing if it is a directory.
  static Optional<RepoFile> entry(JsonNode json) {
    if (!json.path("type").asText().equals("file")) {
      return Optional.empty();
    }
    return Optional.of(
        new RepoFile(
            json.path("path").asText(),
            json.path("size").asLong(-1),
            json.path("oid").asText(),
            Optional.ofNullable(json.path("lfs").path("oid").textValue())));
  }

  /// What the cache keeps; nothing if it is of another format.
  static Optional<RepoTree> parse(String commit, String text) {
    try {
      JsonNode json = JSON.readTree(text);
      if (json.path("format_version").asInt() != FORMAT || !json.path("files").isObject()) {
        return Optional.empty();
      }
      List<RepoFile> files = new ArrayList<>();
      json.path("files")
          .properties()
          .forEach(
              entry ->
                  files.add(
                      new RepoFile(
                          entry.getKey(),
                          entry.getValue().path("size").asLong(-1),
                          entry.getValue().path("blob_id").asText(),
                          Optional.ofNullable(entry.getValue().path("lfs_sha256").textValue()))));
      return Optional.of(new RepoTree(commit, files));
    } catch (java.io.IOException | HubException e) {
      return Optional.empty();
    }
  }

  String toJson() {
    ObjectNode json = JSON.createObjectNode().put("format_version", FORMAT);
    ObjectNode all = json.putObject("files");
    for (RepoFile file : files) {
      ObjectNode entry = all.putObject(file.path());
      entry.put("size", file.size()).put("blob_id", file.blobId());
      file.sha256().ifPresent(sum -> entry.put("lfs_sha256", sum).put("lfs_size", file.size()));
    }
    return json.toPrettyString();
  }
}
