package dev.yushan.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Where training data comes from.
///
/// @param names file paths, directories, globs, or names of `dataset_info.json` (key `dataset` or
///   `eval_dataset`)
/// @param datasetDir the directory of `dataset_info.json` (key `dataset_dir`); need not exist
/// @param textColumn the column with the text, or a template over several such as
///   `{title}\n\n{body}`, of files not described by `dataset_info.json` (key `text_column`)
/// @param idColumn the column with what names a record, a string or whole number (key `id_column`);
///   none where that is not asked for
/// @param onBadRecord what to do with records that cannot be read
/// @param without a directory whose files are none of them, though a pattern may cover it
public record SourceConfig(
    List<String> names,
    Path datasetDir,
    String textColumn,
    Optional<String> idColumn,
    OnBadRecord onBadRecord,
    Optional<Path> without) {
  /// LLaMA-Factory's default of `dataset_dir`.
  public static final Path DATASET_DIR = Path.of("data");

  public SourceConfig {
    names = List.copyOf(names);
    if (names.isEmpty()) {
      throw new DataException("dataset: names no file; give a path, a glob or a dataset name");
    }
    columns(textColumn, idColumn);
  }

  /// Without ids.
  public SourceConfig(
      List<String> names, Path datasetDir, String textColumn, OnBadRecord onBadRecord) {
    this(names, datasetDir, textColumn, Optional.empty(), onBadRecord, Optional.empty());
  }

  private static TextColumns columns(String textColumn, Optional<String> idColumn) {
    TextColumns text = TextColumns.of(textColumn);
    return idColumn.map(text::withId).orElse(text);
  }

  /// Whether `file` is in the directory that is left out.
  boolean leavesOut(Path file) {
    return without.isPresent() && absolute(file).startsWith(absolute(without.get()));
  }

  private static Path absolute(Path path) {
    return path.toAbsolutePath().normalize();
  }

  /// What records are made of.
  TextColumns columns() {
    return columns(textColumn, idColumn);
  }

  /// These names with all defaults: `data`, `text`, fail.
  public static SourceConfig of(String... names) {
    return new SourceConfig(List.of(names), DATASET_DIR, "text", OnBadRecord.FAIL);
  }

  /// The names in a comma-separated value, as LLaMA-Factory writes several datasets.
  public static List<String> names(String commaSeparated) {
    return Arrays.stream(commaSeparated.split(","))
        .map(String::strip)
        .filter(name -> !name.isEmpty())
        .toList();
  }
}
