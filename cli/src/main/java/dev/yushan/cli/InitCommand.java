package dev.yushan.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `yushan init`: a model directory with fresh random weights.
@Command(
    name = "init",
    description = "Make a model with fresh random weights from a config.json.",
    footer = {
      "%nThe weights depend on the config and the seed alone. For example:",
      "  yushan init --config config.json --tokenizer tokenizer/ --output base/ --seed 42"
    })
final class InitCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(InitCommand.class);

  @Spec private CommandSpec spec;
  @Mixin private BackendChoice backendChoice;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "config.json of the model to make, or a directory that has one.")
  private Path config;

  @Option(
      names = "--tokenizer",
      paramLabel = "DIR",
      description =
          "Directory of the tokenizer to go with the model, or the id (org/name) of a model of the"
              + " Hugging Face Hub; its files are copied.")
  private Optional<String> tokenizerName = Optional.empty();

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Directory to write the model to.")
  private Path output;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "Seed of the random weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      description = "Type to store: f32, bf16 or f16; default: what the config says, else f32.")
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

  @Override
  public Integer call() {
    ObjectNode configJson = Models.configJson(config);
    ModelConfig shape = Models.config(config);
    Optional<Path> tokenizer = tokenizerName.map(ModelChoice::tokenizerDirectory);
    tokenizer.map(InitCommand::tokenizerIn).ifPresent(t -> requireFit(t, shape));
    refuseForeign(output, force);
    DType stored = dtype.flatMap(WeightType::dtype).orElseGet(() -> Models.dtype(config));
    try (Backend backend = backendChoice.open();
        CausalLM model = create(backend, configJson, shape)) {
      Models.save(backend, model, configJson, output, stored, maxShardBytes);
      tokenizer.ifPresent(from -> Models.copyTokenizer(from, output));
      Path beside = Files.isDirectory(config) ? config : config.toAbsolutePath().getParent();
      Models.saveGenerationConfig(beside, configJson, output);
      long parameters = model.parameters().stream().mapToLong(InitCommand::elements).sum();
      spec.commandLine()
          .getOut()
          .printf(
              "%s: %s with %,d parameters in %s, seed %d%n",
              output, shape.architecture(), parameters, stored, seed);
    }
    return 0;
  }

  /// Asks for the memory before taking it: a process that is out of memory may be killed.
  private CausalLM create(Backend backend, ObjectNode configJson, ModelConfig shape) {
    long bytes = shape.parameters() * Float.BYTES;
    if (bytes > backend.availableBytes()) {
      throw new IllegalArgumentException(
          ("%s makes a model of %,d parameters, which takes %.1f GiB, but %.1f GiB of memory are"
                  + " free; free some, or lower vocab_size, hidden_size or num_hidden_layers")
              .formatted(config, shape.parameters(), gib(bytes), gib(backend.availableBytes())));
    }
    return Models.create(backend, configJson, DType.F32, false, seed);
  }

  private static double gib(long bytes) {
    return bytes / (double) (1 << 30);
  }

  private static long elements(Parameter parameter) {
    return parameter.value().elements();
  }

  private static Tokenizer tokenizerIn(Path directory) {
    if (!Files.isRegularFile(directory.resolve("tokenizer.json"))) {
      throw new IllegalArgumentException(
          "--tokenizer: there is no %s; name a directory that holds one"
              .formatted(directory.resolve("tokenizer.json")));
    }
    return Tokenizers.load(directory);
  }

  /// Every id of the tokenizer needs a row of the embedding.
  private void requireFit(Tokenizer t, ModelConfig shape) {
    if (t.vocabSize() > shape.vocabSize()) {
      throw new IllegalArgumentException(
          "the tokenizer has ids up to %d, but vocab_size in %s is %d: set it to %d or more"
              .formatted(t.vocabSize() - 1, config, shape.vocabSize(), t.vocabSize()));
    }
    warnIfDifferent("bos", t.bosId(), shape.bosId());
    if (t.eosId().isPresent() && !shape.eosIds().contains(t.eosId().getAsInt())) {
      LOG.warn(
          "eos_token_id in {} is {}, but the tokenizer ends a text with {}",
          config,
          shape.eosIds(),
          t.eosId().getAsInt());
    }
  }

  private void warnIfDifferent(String token, OptionalInt ofTokenizer, OptionalInt ofConfig) {
    if (ofTokenizer.isPresent() && ofConfig.isPresent() && !ofTokenizer.equals(ofConfig)) {
      LOG.warn(
          "{}_token_id in {} is {}, but the tokenizer says {}",
          token,
          config,
          ofConfig.getAsInt(),
          ofTokenizer.getAsInt());
    }
  }

  static void refuseForeign(Path directory, boolean force) {
    if (!Files.exists(directory)) {
      return;
    }
    try (Stream<Path> files = Files.list(directory)) {
      if (!force && files.findAny().isPresent()) {
        throw new IllegalArgumentException(
            directory + " is not empty; name another --output, or replace its model by --force");
      }
    } catch (NotDirectoryException e) {
      throw new IllegalArgumentException(directory + " is a file, not a directory", e);
    } catch (IOException e) {
      throw new UncheckedIOException(directory + " cannot be read", e);
    }
  }
}
