package dev.yushan.cli;

import dev.yushan.data.DataException;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/// The options of every command that reads texts or ids from files.
public final class DataOptions {
  private static final String STANDARD_INPUT = "-";

  @Option(
      names = "--data",
      required = true,
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "Files, directories or globs of .jsonl, .json, .csv (plain, gzip or zstd), .parquet"
              + " (one text a record) or .txt (one text a file); hf://datasets/org/name/path for"
              + " files of the Hugging Face Hub; - for JSON lines from standard input.")
  private List<String> files;

  /// Where standard input is kept while it is read.
  private Optional<Path> input = Optional.empty();

  @Option(
      names = "--text-column",
      paramLabel = "NAME",
      defaultValue = "text",
      description =
          "Field or column that holds the text, or a template over several, such as '{title}:"
              + " {body}' (default: ${DEFAULT-VALUE}).")
  private String textColumn;

  /// What reads records.
  interface Reader {
    void read(Records records) throws IOException;
  }

  /// Opens the files for `reader`. Complaints about them, which name keys of a training
  /// configuration, name options instead.
  void read(Reader reader) {
    if (textColumn.isEmpty()) {
      throw new IllegalArgumentException("--text-column: is empty; name the one with the text");
    }
    try {
      if (files.contains(STANDARD_INPUT)) {
        readWithInput(reader);
      } else {
        read(files, reader);
      }
    } catch (DataException e) {
      throw inOptions(e, input);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void read(List<String> files, Reader reader) throws IOException {
    try (Records records =
        Records.open(
            new SourceConfig(files, SourceConfig.DATASET_DIR, textColumn, OnBadRecord.FAIL))) {
      reader.read(records);
    }
  }

  /// Records are read from files, so standard input becomes one.
  private void readWithInput(Reader reader) throws IOException {
    Path file = Files.createTempFile("standard-input-", ".jsonl");
    input = Optional.of(file);
    try {
      Files.copy(System.in, file, StandardCopyOption.REPLACE_EXISTING);
      read(
          files.stream().map(name -> name.equals(STANDARD_INPUT) ? file.toString() : name).toList(),
          reader);
    } finally {
      Files.delete(file);
    }
  }

  /// A complaint about files, which names keys of a training configuration, with the options
  /// `--data` and `--text-column` in their place.
  public static DataException inOptions(DataException complaint) {
    return inOptions(complaint, Optional.empty());
  }

  private static DataException inOptions(DataException complaint, Optional<Path> input) {
    String message =
        input
            .map(file -> complaint.getMessage().replace(file.toString(), "standard input"))
            .orElse(complaint.getMessage())
            .replaceFirst("^dataset: ", "--data: ")
            .replaceFirst("^text_column: ", "--text-column: ")
            .replaceFirst(
                " nor a dataset name \\(there is no .*; key dataset_dir\\); correct it$",
                ", a directory nor a glob; correct it")
            .replace("(key text_column)", "(--text-column)");
    // not as the cause: its message would be shown too
    DataException inOptions = new DataException(message, complaint.getCause());
    inOptions.addSuppressed(complaint);
    return inOptions;
  }
}
