package dev.yushan.cli;

import dev.yushan.io.HfCache;
import dev.yushan.io.hub.ModelFiles;
import dev.yushan.model.llama.GgufModels;
import dev.yushan.model.llama.MatrixTypes;
import dev.yushan.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `yushan quantize`: a model as one GGUF file, smaller if asked for.
@Command(
    name = "quantize",
    description = "Write a Llama model as one GGUF file, with weights of any type.",
    footer = {
      "%nThe file holds config, weights and tokenizer; llama.cpp and its kin read it, and so do"
          + " infer, serve,",
      "eval and inspect. The others read model directories: export makes one of it. For example:",
      "  yushan quantize demo-run/continued --type q8_0 --output continued-q8_0.gguf",
      "  yushan infer --model continued-q8_0.gguf --prompt 玉山"
    })
final class QuantizeCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(QuantizeCommand.class);

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "MODEL",
      description =
          "Model directory, checkpoint, or id (org/name) of a model of the Hugging Face Hub.")
  private String model;

  @Option(
      names = "--revision",
      paramLabel = "REVISION",
      defaultValue = HfCache.DEFAULT_REVISION,
      description = "Branch, tag or commit of a model of the Hub (default: ${DEFAULT-VALUE}).")
  private String revision;

  @Option(
      names = "--type",
      required = true,
      paramLabel = "TYPE",
      description =
          "Type of the matrices: q8_0 (34 bytes for 32 weights), q4_0 (18), bf16, f16 or f32."
              + " Vectors are f32; matrices whose rows are no multiple of 32 are bf16 rather than"
              + " quantised.")
  private FileType type;

  @Option(
      names = "--embedding-type",
      paramLabel = "TYPE",
      description =
          "Type of the embedding and the head; default: that of --type. With q8_0 beside layers of"
              + " q4_0 a model loses less.")
  private Optional<FileType> embeddingType = Optional.empty();

  @Option(names = "--output", required = true, paramLabel = "FILE", description = "File to write.")
  private Path output;

  @Option(
      names = "--without-tokenizer",
      description = "Leave the tokenizer out; name one by --tokenizer where the file is used.")
  private boolean withoutTokenizer;

  @Option(names = "--force", description = "Replace the file if it is there.")
  private boolean force;

  /// The types that are written.
  enum FileType {
    Q8_0,
    Q4_0,
    BF16,
    F16,
    F32;

    DType dtype() {
      return DType.valueOf(name());
    }
  }

  @Override
  public Integer call() throws IOException {
    if (Files.isDirectory(output)) {
      throw new IllegalArgumentException(
          "--output %s is a directory; name a file, such as model-%s.gguf in it"
              .formatted(output, type.name().toLowerCase(Locale.ROOT)));
    }
    if (Files.exists(output) && !force) {
      throw new IllegalArgumentException(
          "--output %s is there already; name another file, or add --force to replace it"
              .formatted(output));
    }
    Path from = HubChoice.model(model, revision, ModelFiles.ALL);
    ExportCommand.requireApart(from, output);
    ExportCommand.requireSound(from);
    DType vocabulary = embeddingType.orElse(type).dtype();
    MatrixTypes types = new MatrixTypes(vocabulary, type.dtype(), vocabulary);
    GgufModels.export(from, output, types, !withoutTokenizer);
    if (!withoutTokenizer && !Files.exists(from.resolve("tokenizer.json"))) {
      LOG.warn(
          "{} has no tokenizer.json, so {} has no tokenizer: other programs will not take it; put"
              + " the file of the base model there, or say --without-tokenizer",
          from,
          output);
    }
    spec.commandLine().getOut().printf("%s: %s, %,d bytes%n", output, types, Files.size(output));
    return 0;
  }
}
