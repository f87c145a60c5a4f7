package dev.yushan.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A directory that `yushan prepare` made, as an entry of `dataset` (the sources that are trained
/// on) or `eval_dataset` (those that are held out).
public final class PreparedCorpus {
  /// What tells such a directory: its sources, their files, how often each is gone over.
  public static final String FILE = "corpus.json";

  /// The format of [#FILE] and of what it names.
  public static final int FORMAT = 1;

  private static final String TRAIN = "train";
  private static final String FORGET = "forget";

  private PreparedCorpus() {}

  static boolean isIn(Path directory) {
    return Files.isRegularFile(directory.resolve(FILE));
  }

  /// The sources in `directory`.
  ///
  /// @param heldOut whether those that are evaluated on are meant, or those that are trained on
  static List<Source> sources(Path directory, boolean heldOut) {
    Path file = directory.resolve(FILE);
    JsonNode corpus;
    try {
      corpus = new ObjectMapper().readTree(file.toFile());
    } catch (IOException e) {
      throw new DataException(
          file + " cannot be read: " + e.getMessage() + "; prepare the corpus again", e);
    }
    if (corpus.path("format").asInt() != FORMAT) {
      throw new DataException(
          "%s is of format %s, this version reads %d; prepare the corpus again"
              .formatted(file, corpus.path("format"), FORMAT));
    }
    List<Source> sources = new ArrayList<>();
    boolean named = false;
    for (JsonNode source : corpus.path("sources")) {
      String role = source.path("role").asText();
      boolean meant = role.equals(TRAIN) != heldOut;
      named |= meant;
      if (meant && source.path("documents").asLong() > 0) {
        sources.add(source(directory, source, role, corpus.path("seed").asLong()));
      }
    }
    if (sources.isEmpty()) {
      String meant = heldOut ? "held out" : "trained on";
      if (named) {
        throw new DataException(
            "dataset: %s has no document left in its sources that are %s; its report.html says where they went"
                .formatted(directory, meant));
      }
      throw new DataException(
          "dataset: %s has no source that is %s; give one the role in its configuration and prepare it again"
              .formatted(directory, meant));
    }
    return sources;
  }

  private static Source source(Path directory, JsonNode source, String role, long seed) {
    List<SourceFile> files = new ArrayList<>();
    for (JsonNode name : source.path("files")) {
      Path file = directory.resolve(name.asText());
      if (!Files.exists(file)) {
        throw new DataException(
            "dataset: %s is not there, but %s names it; prepare the corpus again"
                .formatted(file, directory.resolve(FILE)));
      }
      files.add(new SourceFile(file, Format.PARQUET, TextColumns.of("text")));
    }
    String name = source.path("name").asText();
    return new Source(
        role.equals(FORGET) ? FORGET + "_" + name : name,
        files,
        source.path("epochs").asDouble(1),
        seed,
        Optional.of(directory));
  }
}
