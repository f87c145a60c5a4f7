package dev.yushan.cli;

import dev.yushan.data.DataException;
import dev.yushan.io.Checksums;
import dev.yushan.io.HfCache;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.io.hub.ModelFiles;
import dev.yushan.model.Models;
import dev.yushan.model.llama.GgufModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `yushan export`: a model directory to hand on, from a model or a checkpoint.
@Command(
    name = "export",
    description = "Write a model, or the model in a checkpoint, to a directory of its own.",
    footer = {
      "%nOnly what belongs to the model is written: config, weights, tokenizer. Weights go from"
          + " file",
      "to file, rounded to nearest even; a value that the type cannot hold is an error. For"
          + " example:",
      "  yushan export runs/tw-laws/checkpoint-500 --output release/ --dtype bf16"
    })
final class ExportCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description =
          "Model directory, checkpoint, GGUF file of a Llama model, or id (org/name) of a model of"
              + " the Hugging Face Hub.")
  private String model;

  @Option(
      names = "--revision",
      paramLabel = "REVISION",
      defaultValue = HfCache.DEFAULT_REVISION,
      description = "Branch, tag or commit of a model of the Hub (default: ${DEFAULT-VALUE}).")
  private String revision;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Directory to write to.")
  private Path output;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description =
          "Type to store: f32, bf16 or f16; default: as the weights are stored, bf16 for quantised"
              + " ones.")
  private Optional<WeightType> dtype = Optional.empty();

  @Option(
      names = "--max-shard-size",
      paramLabel = "SIZE",
      converter = SizeConverter.class,
      defaultValue = "50GB",
      description = "Weights beyond this size go to several files (default: ${DEFAULT-VALUE}).")
  private long maxShardBytes;

  @Option(names = "--force", description = "Write into a directory that is not empty.")
  private boolean force;

  /// A checkpoint has checksums; a model from elsewhere may have none.
  static void requireSound(Path from) {
    List<String> damage =
        Files.exists(from.resolve(Checksums.FILE)) ? Checksums.damage(from) : List.of();
    if (!damage.isEmpty()) {
      throw new DataException(
          "%s is damaged: %s; export another checkpoint, or restore the file"
              .formatted(from, String.join("; ", damage)));
    }
  }

  /// Refuses to write over a file of the model that is read, under whatever name it goes by links.
  ///
  /// @param written the file, or a directory whose files are written
  static void requireApart(Path model, Path written) throws IOException {
    for (Path read : files(model)) {
      for (Path file : files(written)) {
        if (Files.isSameFile(read, file)) {
          throw new IllegalArgumentException(
              "--output: %s is a file of the model itself; name another, then nothing can be lost"
                  .formatted(file));
        }
      }
    }
  }

  private static List<Path> files(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return Files.exists(path) ? List.of(path) : List.of();
    }
    try (Stream<Path> files = Files.list(path)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  @Override
  public Integer call() throws IOException {
    boolean fresh = !Files.exists(output);
    try {
      export();
    } catch (IOException | RuntimeException | Error e) {
      if (fresh && Files.isDirectory(output) && isEmpty(output)) {
        Files.delete(output);
      }
      throw e;
    }
    return report();
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.findFirst().isEmpty();
    }
  }

  private void export() throws IOException {
    if (Gguf.named(Path.of(model)) && Files.isRegularFile(Path.of(model))) {
      InitCommand.refuseForeign(output, force);
      GgufModels.read(Path.of(model), output, dtype.flatMap(WeightType::dtype), maxShardBytes);
      return;
    }
    Path from = ModelChoice.requireModel(HubChoice.model(model, revision, ModelFiles.ALL));
    if (Files.exists(output) && Files.isSameFile(from, output)) {
      throw new IllegalArgumentException(
          "--output is the model itself; name another directory, then nothing can be lost");
    }
    requireApart(from, output);
    requireSound(from);
    InitCommand.refuseForeign(output, force);
    Models.export(from, output, dtype.flatMap(WeightType::dtype), maxShardBytes);
  }

  private int report() {
    try (SafetensorsDirectory written = SafetensorsDirectory.open(output)) {
      spec.commandLine()
          .getOut()
          .printf(
              "%s: %d tensors, %,d bytes in %d file%s%n",
              output,
              written.tensors().size(),
              written.totalBytes(),
              written.files().size(),
              written.files().size() == 1 ? "" : "s");
    }
    return 0;
  }
}
