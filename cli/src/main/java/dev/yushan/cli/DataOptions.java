package dev.yushan.cli;

import dev.yushan.data.OnBadRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import java.util.List;
import picocli.CommandLine.Option;

/// The options of every command that reads texts or ids from files.
final class DataOptions {
  @Option(
      names = "--data",
      required = true,
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "Files, directories or globs of .jsonl, .jsonl.gz, .json, .parquet (one text a record) or"
              + " .txt (one text a file).")
  private List<String> files;

  @Option(
      names = "--text-column",
      paramLabel = "NAME",
      defaultValue = "text",
      description = "Field or column that holds the text (default: ${DEFAULT-VALUE}).")
  private String textColumn;

  /// Opens the files; the caller closes what it gets.
  Records open() {
    return Records.open(
        new SourceConfig(files, SourceConfig.DATASET_DIR, textColumn, OnBadRecord.FAIL));
  }
}
