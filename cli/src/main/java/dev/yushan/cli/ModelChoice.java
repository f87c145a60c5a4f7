package dev.yushan.cli;

import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.ForwardingBackend;
import dev.yushan.http.Loading;
import dev.yushan.io.DurableFiles;
import dev.yushan.io.HfCache;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.io.hub.ModelFiles;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.model.llama.GgufModels;
import dev.yushan.model.llama.MatrixTypes;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Option;

/// The options of every command that runs a model: which one, and how it is loaded.
final class ModelChoice {
  private static final Logger LOG = LoggerFactory.getLogger(ModelChoice.class);

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description =
          "Model directory, GGUF file of a Llama model, or the id (org/name) of a model of the"
              + " Hugging Face Hub, which is downloaded if it is not in its cache.")
  private String model;

  @Option(
      names = "--revision",
      paramLabel = "REVISION",
      defaultValue = HfCache.DEFAULT_REVISION,
      description = "Branch, tag or commit of a model of the Hub (default: ${DEFAULT-VALUE}).")
  private String revision;

  @Option(
      names = "--tokenizer",
      paramLabel = "DIR",
      description = "Directory or id of the tokenizer; default: that of the model.")
  private Optional<String> tokenizer = Optional.empty();

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description =
          "Type to keep the weights in: f32, bf16 or f16; default: as they are stored. Arithmetic"
              + " is F32 in any case.")
  private Optional<WeightType> dtype = Optional.empty();

  @Option(
      names = "--quantization",
      paramLabel = "TYPE",
      description =
          "Quantise the weights when they are loaded: q8_0 (34 bytes for 32 weights) or q4_0 (18),"
              + " in the place of --dtype.")
  private Optional<Quantization> quantization = Optional.empty();

  /// Types of weights with a scale for each 32 of them, as GGUF files have them.
  enum Quantization {
    Q8_0,
    Q4_0
  }

  private Optional<Path> found = Optional.empty();

  /// The model as one file, if it is one.
  private Optional<Path> gguf() {
    return Optional.of(Path.of(model))
        .filter(file -> Gguf.named(file) && Files.isRegularFile(file));
  }

  /// As it is named on the command line.
  String name() {
    return model;
  }

  /// The directory of the model, downloaded if need be.
  ///
  /// @throws IllegalArgumentException if it is that of a training run which has only checkpoints
  Path directory() {
    if (found.isPresent()) {
      return found.get();
    }
    if (!revision.equals(HfCache.DEFAULT_REVISION) && Files.exists(Path.of(model))) {
      LOG.warn("--revision has no effect: {} is on this machine, not of the Hub", model);
    }
    found = gguf().map(ModelChoice::companions);
    if (found.isPresent()) {
      return found.get();
    }
    found = Optional.of(requireModel(HubChoice.model(model, revision, ModelFiles.ALL)));
    return found.get();
  }

  /// @throws IllegalArgumentException if `directory` is that of a training run which has only
  ///   checkpoints
  static Path requireModel(Path directory) {
    List<String> checkpoints =
        Files.isRegularFile(directory) || Files.exists(directory.resolve("config.json"))
            ? List.of()
            : checkpoints(directory);
    if (!checkpoints.isEmpty()) {
      throw new IllegalArgumentException(
          "%s holds no model yet, only checkpoints of a training run (%s); take one: %s"
              .formatted(
                  directory,
                  String.join(", ", checkpoints),
                  directory.resolve(checkpoints.getLast())));
    }
    return directory;
  }

  /// A directory with config and tokenizer of a GGUF file, for as long as the process runs.
  private static Path companions(Path file) {
    try {
      Path directory = Files.createTempDirectory("yushan-gguf-");
      Runtime.getRuntime()
          .addShutdownHook(new Thread(() -> DurableFiles.deleteDirectory(directory)));
      GgufModels.writeCompanions(file, directory);
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot unpack config and tokenizer of " + file + "; set java.io.tmpdir", e);
    }
  }

  /// In the order of their steps.
  private static List<String> checkpoints(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries
          .map(entry -> entry.getFileName().toString())
          .filter(name -> name.matches("checkpoint-\\d{1,18}"))
          .sorted(Comparator.comparingLong(name -> Long.parseLong(name.substring(11))))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(directory + " cannot be read", e);
    }
  }

  /// Loads the model to run it, not to train it; the caller closes it.
  CausalLM load(Backend backend) {
    return load(backend, progress -> {});
  }

  /// The same.
  ///
  /// @param progress is told how far it has come
  CausalLM load(Backend backend, Consumer<Loading> progress) {
    Path directory = directory();
    MatrixTypes weights = weights(directory);
    long start = System.nanoTime();
    Passes passes = new Passes(2 * Models.config(directory).parameters(), progress);
    LongConsumer read = count -> passes.add("reading the weights", count);
    CausalLM loaded =
        gguf()
            .map(file -> GgufModels.load(backend, file, weights, read))
            .orElseGet(() -> Models.load(backend, directory, weights.layers(), false, read));
    loaded.freeze(
        new ForwardingBackend(backend) {
          @Override
          public void freeze(Tensor matrix) {
            super.freeze(matrix);
            passes.add("arranging the weights", matrix.elements());
          }
        });
    LOG.info(
        "model {}: {}, {} parameters in {}, loaded in {} s",
        gguf().orElse(directory),
        loaded.config().architecture(),
        "%,d".formatted(loaded.parameters().stream().mapToLong(ModelChoice::elements).sum()),
        weights,
        "%.1f".formatted((System.nanoTime() - start) / 1e9));
    return loaded;
  }

  /// Counts the weights twice: when they are read, and when they are arranged for the kernels.
  private static final class Passes {
    private final double all;
    private final Consumer<Loading> progress;
    private long done;

    private Passes(long all, Consumer<Loading> progress) {
      this.all = all;
      this.progress = progress;
    }

    private void add(String what, long weights) {
      done += weights;
      progress.accept(new Loading(what, done / all));
    }
  }

  /// Refuses options that contradict each other, before anything is loaded.
  void requireConsistent() {
    if (quantization.isPresent() && dtype.flatMap(WeightType::dtype).isPresent()) {
      throw new IllegalArgumentException(
          "--dtype and --quantization both say how to keep the weights; leave one of them out");
    }
  }

  /// As asked for, else as they are stored.
  private MatrixTypes weights(Path directory) {
    requireConsistent();
    return quantization
        .map(type -> DType.valueOf(type.name()))
        .or(() -> dtype.flatMap(WeightType::dtype))
        .map(MatrixTypes::all)
        .or(() -> gguf().map(GgufModels::types))
        .orElseGet(() -> MatrixTypes.all(Models.dtype(directory)));
  }

  private static long elements(Parameter parameter) {
    return parameter.value().elements();
  }

  /// Where the tokenizer is, and what comes with it: that of `--tokenizer`, or of the model.
  Path tokenizerDirectory() {
    return tokenizer.map(ModelChoice::tokenizerDirectory).orElseGet(this::directory);
  }

  /// The tokenizer, if `--tokenizer` names one or the model's directory holds one.
  Optional<Tokenizer> tokenizer() {
    return tokenizerFile().map(Tokenizers::load);
  }

  private Optional<Path> tokenizerFile() {
    Path file = tokenizerDirectory().resolve("tokenizer.json");
    boolean there = Files.isRegularFile(file);
    if (tokenizer.isPresent() && !there) {
      throw new IllegalArgumentException(
          "--tokenizer: there is no %s; name a directory that holds one".formatted(file));
    }
    return there ? Optional.of(file) : Optional.empty();
  }

  /// The directory or file that is named, or that of a model of the hub.
  static Path tokenizerDirectory(String name) {
    return name.contains("/") && HfCache.isId(name) && !Files.exists(Path.of(name))
        ? HubChoice.model(name, HfCache.DEFAULT_REVISION, ModelFiles.TOKENIZER)
        : Path.of(name);
  }

  /// The tokenizer of a command that cannot do without.
  Tokenizer requireTokenizer() {
    return Tokenizers.load(requireTokenizerFile());
  }

  /// Its file. A command that goes on for long before it reads it asks for it first.
  Path requireTokenizerFile() {
    return tokenizerFile().orElseThrow(this::noTokenizer);
  }

  private IllegalArgumentException noTokenizer() {
    Models.configJson(directory()); // a directory that holds no model at all is told as such
    return new IllegalArgumentException(
        "%s has no tokenizer%s: name the directory of the model's by --tokenizer"
            .formatted(gguf().orElse(directory()), gguf().isPresent() ? "" : ".json"));
  }
}
