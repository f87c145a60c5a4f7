package dev.yushan.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.io.Checksums;
import dev.yushan.io.HfCache;
import dev.yushan.io.Safetensors;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.StoredTensor;
import dev.yushan.io.TensorHeader;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.io.hub.ModelFiles;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `yushan inspect`: what a model is made of, and where two differ.
@Command(
    name = "inspect",
    description = "Show what a model is made of, or where two models differ.",
    footer = {
      "%nTensors of all layers that have one type and shape are shown in one line. For example:",
      "  yushan inspect demo-run/base",
      "  yushan inspect demo-run/base demo-run/continued"
    })
final class InspectCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description =
          "Model directory, checkpoint, safetensors or GGUF file, or id (org/name) of a model of"
              + " the Hugging Face Hub.")
  private String model;

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "OTHER",
      description = "A second model: only the differences of the two directories are shown.")
  private Optional<String> other = Optional.empty();

  @Option(
      names = "--revision",
      paramLabel = "REVISION",
      defaultValue = HfCache.DEFAULT_REVISION,
      description = "Branch, tag or commit of MODEL on the Hub (default: ${DEFAULT-VALUE}).")
  private String revision;

  @Option(names = "--tensors", description = "Show every tensor in a line of its own.")
  private boolean everyTensor;

  @Option(
      names = "--checksums",
      description =
          "Show the SHA-256 of every file, held against checksums.sha256 if there is one; exit 1 if"
              + " a file is not as it was.")
  private boolean checksums;

  @Override
  public Integer call() throws IOException {
    if (other.isPresent() && checksums) {
      throw new ParameterException(
          spec.commandLine(), "--checksums is of one model; leave out the option or the second");
    }
    PrintWriter out = spec.commandLine().getOut();
    Path path = resolve(model, revision);
    if (other.isPresent()) {
      Path second = resolve(other.get(), HfCache.DEFAULT_REVISION);
      new Differences(requireDirectory(path), requireDirectory(second), everyTensor).print(out);
    } else if (Files.isDirectory(path)) {
      return directory(path, out) ? 0 : 1;
    } else if (Gguf.named(path)) {
      gguf(path, out);
    } else {
      file(path, out);
    }
    return 0;
  }

  private static Path resolve(String name, String revision) {
    Path path = Path.of(name);
    return Files.isRegularFile(path)
        ? path
        : ModelChoice.requireModel(HubChoice.model(name, revision, ModelFiles.ALL));
  }

  private static Path requireDirectory(Path model) {
    Models.requireNoGguf(model);
    if (Files.isRegularFile(model)) {
      throw new IllegalArgumentException(
          "%s is a file, and two models are compared by their directories; name the one that holds it"
              .formatted(model));
    }
    return model;
  }

  private boolean directory(Path directory, PrintWriter out) throws IOException {
    if (checksums) {
      if (!sums(directory, out)) {
        return false; // files that are not as they were may not open
      }
      out.println();
    }
    JsonNode json = Models.configJson(directory);
    ModelConfig config = Models.config(directory);
    try (SafetensorsDirectory weights = SafetensorsDirectory.open(directory)) {
      List<TensorHeader> tensors = weights.tensors().stream().map(StoredTensor::header).toList();
      out.printf("%s: %s, %s%n%n", directory, config.architecture(), totals(tensors));
      config(config, json, out);
      tokenizer(directory, config, out);
      out.println();
      tensors(tensors.stream().map(Line::of), out);
    }
    return true;
  }

  private void file(Path file, PrintWriter out) throws IOException {
    try (Safetensors weights = Safetensors.open(file)) {
      List<TensorHeader> tensors = weights.tensors().stream().map(StoredTensor::header).toList();
      out.printf("%s: %s%n%n", file, totals(tensors));
      weights.metadata().forEach((key, value) -> out.printf("%s: %s%n", key, value));
      tensors(tensors.stream().map(Line::of), out);
    }
    if (checksums) {
      out.printf("%n%s  %s%n", Checksums.sum(file), file.getFileName());
    }
  }

  /// Long lists, such as the tokens of the vocabulary, are only counted.
  private void gguf(Path file, PrintWriter out) throws IOException {
    try (Gguf gguf = Gguf.open(file)) {
      out.printf("%s: %d tensors, %,d bytes%n%n", file, gguf.tensors().size(), Files.size(file));
      gguf.metadata()
          .forEach(
              (key, value) ->
                  out.printf(
                      "%s: %s%n",
                      key, value instanceof List<?> l ? "(%,d)".formatted(l.size()) : value));
      out.println();
      tensors(gguf.tensors().values().stream().map(Line::of), out);
    }
    if (checksums) {
      out.printf("%n%s  %s%n", Checksums.sum(file), file.getFileName());
    }
  }

  private static boolean sums(Path directory, PrintWriter out) throws IOException {
    for (Path file : Checksums.files(directory)) {
      out.printf("%s  %s%n", Checksums.sum(file), file.getFileName());
    }
    if (Files.exists(directory.resolve(Checksums.FILE))) {
      List<String> damage = Checksums.damage(directory);
      out.printf(
          "%s: %s%n",
          Checksums.FILE,
          damage.isEmpty() ? "all files are as they were written" : String.join("; ", damage));
      return damage.isEmpty();
    }
    return true;
  }

  private static String totals(List<TensorHeader> tensors) {
    return "%,d parameters in %d tensors, %,d bytes"
        .formatted(
            tensors.stream().mapToLong(TensorHeader::elements).sum(),
            tensors.size(),
            tensors.stream().mapToLong(TensorHeader::bytes).sum());
  }

  private static void config(ModelConfig config, JsonNode json, PrintWriter out) {
    Columns table = new Columns("CONFIG", "");
    table.add("vocabulary", "%,d".formatted(config.vocabSize()));
    table.add("hidden size", "%,d".formatted(config.hiddenSize()));
    table.add("intermediate size", "%,d".formatted(config.intermediateSize()));
    table.add("layers", "%d".formatted(config.layers()));
    table.add(
        "heads",
        "%d of %d, %d for keys and values"
            .formatted(config.heads(), config.headDim(), config.kvHeads()));
    table.add("positions", "%,d".formatted(config.maxPositions()));
    config.details().forEach(detail -> table.add(detail.name(), detail.text()));
    table.add("head", config.tiedEmbeddings() ? "tied to the embedding" : "of its own");
    table.add("BOS", text(config.bosId()));
    table.add("EOS", config.eosIds().isEmpty() ? "none" : config.eosIds().toString());
    table.add("type", Models.dtype(json).toString());
    table.print(out);
  }

  private static String text(OptionalInt id) {
    return id.isPresent() ? String.valueOf(id.getAsInt()) : "none";
  }

  private static void tokenizer(Path directory, ModelConfig config, PrintWriter out) {
    Columns table = new Columns("TOKENIZER", "");
    if (Files.isRegularFile(directory.resolve("tokenizer.json"))) {
      Tokenizer tokenizer = Tokenizers.load(directory);
      boolean fits = tokenizer.vocabSize() <= config.vocabSize();
      table.add(
          "ids",
          "%,d%s"
              .formatted(tokenizer.vocabSize(), fits ? "" : ", more than the model has rows for"));
      table.add("BOS", text(tokenizer.bosId()));
      table.add("EOS", text(tokenizer.eosId()));
    } else {
      table.add("none", "");
    }
    out.println();
    table.print(out);
  }

  /// A line for each tensor, or for each group that differs in the number of the layer alone.
  private void tensors(Stream<Line> tensors, PrintWriter out) {
    Map<Line, Integer> groups = new LinkedHashMap<>();
    tensors.forEach(line -> groups.merge(everyTensor ? line : line.ofAnyLayer(), 1, Integer::sum));
    Columns table = new Columns("TENSOR", "TYPE", "SHAPE", "COUNT", "BYTES");
    groups.forEach(
        (line, count) ->
            table.add(
                line.name,
                line.type,
                line.dims.toString(),
                String.valueOf(count),
                "%,d".formatted(count * line.bytes)));
    table.print(out);
  }

  /// What is shown of a tensor.
  private record Line(String name, String type, List<Long> dims, long bytes) {
    static Line of(TensorHeader tensor) {
      return new Line(tensor.name(), tensor.type().name(), tensor.dims(), tensor.bytes());
    }

    static Line of(Gguf.Entry tensor) {
      return new Line(tensor.name(), tensor.type().name(), tensor.dims(), tensor.data().byteSize());
    }

    Line ofAnyLayer() {
      return new Line(name.replaceFirst("\\.\\d+\\.", ".*."), type, dims, bytes);
    }
  }
}
