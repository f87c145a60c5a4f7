package dev.yushan.train;

import dev.yushan.data.SourceFile;
import dev.yushan.io.DirectoryLock;
import dev.yushan.io.DurableFiles;
import dev.yushan.io.SafetensorsWriter;
import dev.yushan.report.EventFile;
import dev.yushan.report.Reports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The directory of a run, locked against a second writer for as long as it is open.
final class OutputDirectory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OutputDirectory.class);
  private static final String LOCK = ".lock";

  /// What only a finished run has.
  private static final String RESULTS = "train_results.json";

  /// What a finished run writes last; reports alone, which can be made at any time, come after.
  static final String ALL_RESULTS = "all_results.json";

  /// What a run leaves beside checkpoints and model.
  private static final List<String> RECORDS =
      List.of(
          TrainingLog.JSONL,
          TrainingLog.STATE,
          RESULTS,
          "eval_results.json",
          ALL_RESULTS,
          RunFacts.FILE,
          Samples.FILE);

  private final Path path;
  private final DirectoryLock lock;
  private final Checkpoints checkpoints;

  private OutputDirectory(Path path, DirectoryLock lock, OptionalInt limit) {
    this.path = path;
    this.lock = lock;
    this.checkpoints = new Checkpoints(path, limit);
  }

  static OutputDirectory open(TrainingConfig config) {
    Path path = Path.of(config.text("output_dir"));
    OptionalInt limit =
        config.find("save_total_limit").isPresent()
            ? OptionalInt.of(config.count("save_total_limit"))
            : OptionalInt.empty();
    if (Files.exists(path) && !Files.isDirectory(path)) {
      throw new ConfigException(
          "output_dir: %s is a file; name a directory, which is made if it is not there"
              .formatted(path));
    }
    try {
      Files.createDirectories(path);
      OutputDirectory directory = new OutputDirectory(path, lock(path), limit);
      try {
        directory.clearLeftovers();
        return directory;
      } catch (RuntimeException e) {
        directory.close();
        throw e;
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "output_dir: %s cannot be used; make it writable, or name another directory"
              .formatted(path),
          e);
    }
  }

  private static DirectoryLock lock(Path path) throws IOException {
    return DirectoryLock.tryLock(path, LOCK)
        .orElseThrow(
            () ->
                new TrainingException(
                    "output_dir: %s is in use by another run; wait for it, or name another directory"
                        .formatted(path)));
  }

  private void clearLeftovers() {
    DurableFiles.clearLeftovers(path)
        .forEach(name -> LOG.warn("{}: what an interrupted run left of {} is cleared", path, name));
  }

  Path path() {
    return path;
  }

  Checkpoints checkpoints() {
    return checkpoints;
  }

  /// Whether the run in it came to its end, and has said so.
  boolean finished() {
    return Files.exists(path.resolve(ALL_RESULTS));
  }

  /// Refuses to mix a new run with an earlier one.
  void requireFree(TrainingConfig config) {
    boolean finished = Files.exists(path.resolve(RESULTS));
    boolean used = !checkpoints.all().isEmpty() || finished;
    if (finished
        && config.text("resume_from_checkpoint").equals("true")
        && checkpoints.all().isEmpty()) {
      throw new ConfigException(
          "output_dir: %s holds a finished run without checkpoints: there is nothing to continue; replace it with resume_from_checkpoint: false and overwrite_output_dir: true, or name another directory"
              .formatted(path));
    }
    if (used && !resumes(config) && !config.flag("overwrite_output_dir")) {
      throw new ConfigException(
          "output_dir: %s holds a run already; continue it with resume_from_checkpoint: true, name another directory, or replace it with overwrite_output_dir: true"
              .formatted(path));
    }
  }

  /// Refuses a directory in which the run would write over the model that it begins with, or delete
  /// it.
  static void requireApart(TrainingConfig config) {
    Path output = real(Path.of(config.text("output_dir")));
    if (real(Path.of(config.text("model_name_or_path"))).equals(output)) {
      throw config.wrong(
          "output_dir",
          "is the directory of the model that is trained, which would be written over it; name"
              + " another directory");
    }
    for (String key : List.of("model_name_or_path", "tokenizer_name_or_path")) {
      boolean inside = real(Path.of(config.text(key))).startsWith(output);
      if (inside && config.flag("overwrite_output_dir") && !resumes(config)) {
        throw config.wrong(
            "overwrite_output_dir",
            "could delete %s, which %s names; name another output_dir"
                .formatted(config.text(key), key));
      }
    }
  }

  /// Refuses a directory with a file of the data in it, which the run could write over.
  static void requireApart(TrainingConfig config, List<SourceFile> data) {
    Path output = real(Path.of(config.text("output_dir")));
    for (SourceFile file : data) {
      if (output.equals(real(file.path()).getParent())) {
        throw config.wrong(
            "output_dir",
            "holds the dataset %s, which files of the run could be written over; name another directory"
                .formatted(file.path()));
      }
    }
  }

  private static Path real(Path path) {
    try {
      return path.toRealPath();
    } catch (IOException e) {
      return path.toAbsolutePath().normalize(); // not there
    }
  }

  /// Whether the run that is in the directory goes on. A checkpoint of another directory begins a
  /// run in this one.
  static boolean resumes(TrainingConfig config) {
    String resume = config.text("resume_from_checkpoint");
    return switch (resume) {
      case "false" -> false;
      case "true" -> true;
      default -> real(Path.of(config.text("output_dir"))).equals(real(Path.of(resume)).getParent());
    };
  }

  /// Clears an earlier run away.
  void prepareNewRun(TrainingConfig config) {
    List<Path> former = checkpoints.all();
    if (!resumes(config) && !former.isEmpty()) {
      LOG.warn(
          "overwrite_output_dir: true deletes {} checkpoint(s) of an earlier run in {}, the last at"
              + " step {}",
          former.size(),
          path,
          Checkpoints.step(former.getLast()));
      checkpoints.deleteAll();
    }
    try {
      EventFile.deleteAll(path.resolve(TensorBoardLog.DIRECTORY));
      // not that the model of a run before is taken for what this one makes
      if (Files.exists(path.resolve(RESULTS))) {
        SafetensorsWriter.deleteModel(path);
      }
      for (String record : RECORDS) {
        Files.deleteIfExists(path.resolve(record));
      }
      for (Path report : Reports.madeIn(path)) {
        Files.deleteIfExists(report);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be cleared", e);
    }
  }

  @Override
  public void close() {
    lock.close();
  }
}
