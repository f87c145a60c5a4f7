package dev.yushan.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// LLaMA-Factory's `dataset_info.json`: names for files, and which column holds the text.
///
/// For pre-training an entry needs `file_name` (a file or directory beside `dataset_info.json`),
/// and may have `columns.prompt`, the text column (`data/README.md` of LLaMA-Factory). What is made
/// for other stages, or lives on a hub, is refused by the name of its key.
final class DatasetInfo {
  static final String FILE = "dataset_info.json";

  private static final List<String> REMOTE =
      List.of("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name");

  private final Path directory;
  private final Map<String, JsonNode> entries;

  private DatasetInfo(Path directory, Map<String, JsonNode> entries) {
    this.directory = directory;
    this.entries = entries;
  }

  static DatasetInfo read(Path directory) {
    Path file = directory.resolve(FILE);
    Map<String, JsonNode> entries = new TreeMap<>();
    if (!Files.exists(file)) {
      return new DatasetInfo(directory, entries);
    }
    try {
      JsonNode root = new ObjectMapper().readTree(file.toFile());
      if (!root.isObject()) {
        throw new DataException(file + " is not one JSON object of dataset names");
      }
      root.properties().forEach(entry -> entries.put(entry.getKey(), entry.getValue()));
    } catch (IOException e) {
      throw new DataException(file + " cannot be read as JSON: " + e.getMessage(), e);
    }
    return new DatasetInfo(directory, entries);
  }

  boolean contains(String name) {
    return entries.containsKey(name);
  }

  /// @param given the columns, that of the text where the entry names none
  Source source(String name, TextColumns given) {
    JsonNode entry = entries.get(name);
    String where = directory.resolve(FILE) + ": " + name + ": ";
    checkForPretraining(entry, where);
    JsonNode fileName = entry.path("file_name");
    if (!fileName.isTextual()) {
      throw new DataException(where + "has no file_name");
    }
    Path path = directory.resolve(fileName.textValue());
    if (!Files.exists(path)) {
      throw new DataException(where + "file_name " + path + " does not exist");
    }
    JsonNode prompt = entry.path("columns").path("prompt");
    if (!prompt.isMissingNode() && !prompt.isTextual()) {
      throw new DataException(
          where + "columns.prompt is no name; write the name of the column that holds the text");
    }
    TextColumns columns =
        prompt.isTextual()
            ? given.withText(TextColumns.of(where + "columns.prompt", prompt.textValue()))
            : given;
    return new Source(
        name,
        Files.isDirectory(path)
            ? Sources.directory(path, columns)
            : List.of(Sources.file(path, columns)));
  }

  private static void checkForPretraining(JsonNode entry, String where) {
    for (String key : REMOTE) {
      if (entry.has(key)) {
        throw new DataException(
            where
                + key
                + " is remote; name the files by file_name, or in dataset, those of the Hugging"
                + " Face Hub as hf://datasets/org/name/path");
      }
    }
    String formatting = entry.path("formatting").asText("alpaca");
    if (!formatting.equals("alpaca")) {
      throw new DataException(
          where + "formatting " + formatting + " is not for pre-training: a text column is needed");
    }
    if (entry.path("ranking").asBoolean(false)) {
      throw new DataException(where + "ranking data is not for pre-training");
    }
    if (entry.hasNonNull("num_samples")) {
      throw new DataException(where + "num_samples is not supported: remove it to use all records");
    }
    entry
        .path("columns")
        .fieldNames()
        .forEachRemaining(
            column -> {
              if (!column.equals("prompt")) {
                throw new DataException(
                    where
                        + "columns."
                        + column
                        + " is not for pre-training: only prompt, the text");
              }
            });
  }

  @Override
  public String toString() {
    return entries.isEmpty()
        ? "a dataset name (there is no " + directory.resolve(FILE) + "; key dataset_dir)"
        : "a name in " + directory.resolve(FILE) + ", which knows " + entries.keySet();
  }
}
