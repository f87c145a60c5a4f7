package dev.yushan.train;

import dev.yushan.io.Checksums;
import dev.yushan.io.DurableFiles;
import dev.yushan.io.DurableFiles.DirectoryContent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The directories `checkpoint-N` in an output directory. Each is there whole or not at all.
///
/// @param limit how many are kept
record Checkpoints(Path outputDir, OptionalInt limit) {
  private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);
  private static final String PREFIX = "checkpoint-";

  /// Writes the checkpoint of step `step`: beside its place, with checksums, forced to the disk,
  /// renamed. Older ones beyond the limit go only then.
  Path save(long step, DirectoryContent content) {
    Path target = outputDir.resolve(PREFIX + step);
    DurableFiles.writeDirectory(
        target,
        directory -> {
          content.writeTo(directory);
          Checksums.write(directory);
        });
    limit.ifPresent(kept -> deleteOldest(kept, step));
    return target;
  }

  /// Checkpoints beyond `step`, which a run has that went back to an earlier one, are not touched:
  /// the run comes to them again.
  private void deleteOldest(int kept, long step) {
    List<Path> upTo = all().stream().filter(checkpoint -> step(checkpoint) <= step).toList();
    upTo.subList(0, Math.max(0, upTo.size() - kept)).forEach(DurableFiles::deleteDirectory);
  }

  /// All of them, in the order of their steps.
  List<Path> all() {
    if (!Files.exists(outputDir)) {
      return List.of();
    }
    try (Stream<Path> children = Files.list(outputDir)) {
      return children
          .filter(child -> child.getFileName().toString().matches(PREFIX + "\\d{1,18}"))
          .sorted(Comparator.comparingLong(Checkpoints::step))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(outputDir + " cannot be listed", e);
    }
  }

  static long step(Path checkpoint) {
    return Long.parseLong(checkpoint.getFileName().toString().substring(PREFIX.length()));
  }

  /// The latest that a run can be resumed from, if there is any checkpoint; damaged ones are passed
  /// over and named in the log.
  ///
  /// @throws TrainingException if there are checkpoints, but none is sound
  Optional<Path> latest() {
    List<String> passedOver = new ArrayList<>();
    for (Path checkpoint : all().reversed()) {
      List<String> damage = damage(checkpoint);
      if (damage.isEmpty()) {
        return Optional.of(checkpoint);
      }
      LOG.warn("{} is passed over: {}", checkpoint, String.join("; ", damage));
      passedOver.add(checkpoint.getFileName() + ": " + String.join("; ", damage));
    }
    if (!passedOver.isEmpty()) {
      throw new TrainingException(
          "output_dir: %s holds no sound checkpoint (%s); restore one, or begin anew with resume_from_checkpoint: false and overwrite_output_dir: true"
              .formatted(outputDir, String.join(", ", passedOver)));
    }
    return Optional.empty();
  }

  /// The checkpoint that a configuration asks to continue.
  Optional<Path> resumePoint(TrainingConfig config) {
    String resume = config.text("resume_from_checkpoint");
    return switch (resume) {
      case "false" -> Optional.empty();
      case "true" -> latest();
      default -> Optional.of(sound(Path.of(resume)));
    };
  }

  /// A checkpoint that must be sound.
  private static Path sound(Path checkpoint) {
    if (!Files.isDirectory(checkpoint)) {
      throw new ConfigException(
          "resume_from_checkpoint: %s is no directory; true takes the latest checkpoint"
              .formatted(checkpoint));
    }
    List<String> damage = damage(checkpoint);
    if (!damage.isEmpty()) {
      throw new TrainingException(
          "%s cannot be resumed from: %s; name an earlier one, or set resume_from_checkpoint: true"
              .formatted(checkpoint, String.join("; ", damage)));
    }
    return checkpoint;
  }

  private static List<String> damage(Path checkpoint) {
    List<String> damage = Checksums.damage(checkpoint);
    return damage.isEmpty() && !Files.exists(checkpoint.resolve(ModelState.OPTIMIZER_FILE))
        ? List.of("it has no optimizer state (save_only_model)")
        : damage;
  }

  void deleteAll() {
    all().forEach(DurableFiles::deleteDirectory);
  }
}
