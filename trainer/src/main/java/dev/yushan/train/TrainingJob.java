package dev.yushan.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.data.CorpusTokenizer;
import dev.yushan.io.HfCache;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.hub.Hub;
import dev.yushan.io.hub.HubException;
import dev.yushan.io.hub.ModelFiles;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.optim.OptimizerProvider;
import dev.yushan.plugin.PluginException;
import dev.yushan.plugin.Plugins;
import dev.yushan.tensor.DType;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// A training configuration with what it names. Whatever can be found wrong without reading data is
/// found when it is made.
///
/// @param configJson of the base model
/// @param tokenizer loaded once, before memory is forecast: loading it takes many times what it
///   holds
/// @param provider of the optimizer
record TrainingJob(
    TrainingConfig config,
    Backend backend,
    ObjectNode configJson,
    CorpusTokenizer tokenizer,
    OptimizerProvider provider,
    OptimizerConfig optimizerConfig) {

  /// @throws ConfigException for a configuration that cannot be followed
  static TrainingJob of(TrainingConfig asked, Backend backend) {
    TrainingConfig config = local(asked.check());
    Path base = Path.of(config.text("model_name_or_path"));
    // throws, naming the file, if it describes no model
    ModelConfig shape = Models.config(base);
    TrainingJob job =
        new TrainingJob(
            config,
            backend,
            Models.configJson(base),
            tokenizer(config, shape),
            provider(config),
            new OptimizerConfig(
                config.number("adam_beta1"),
                config.number("adam_beta2"),
                config.number("adam_epsilon"),
                config.number("weight_decay")));
    if (!config.flag("train_from_scratch")) {
      // throws if the weights are not there or their files are damaged
      SafetensorsDirectory.open(job.base()).close();
    }
    Samples.requirePossible(config, job.tokenizer().tokenizer(), shape);
    job.requirePositions();
    return job;
  }

  /// The configuration with directories in place of names of the hub, from which is downloaded what
  /// is not here. So the commit that a run began with stands in its records.
  private static TrainingConfig local(TrainingConfig config) {
    Map<String, String> here = new LinkedHashMap<>();
    String model = config.text("model_name_or_path");
    String tokenizer = config.text("tokenizer_name_or_path");
    ModelFiles files = config.flag("train_from_scratch") ? ModelFiles.DESCRIPTION : ModelFiles.ALL;
    local(config, "model_name_or_path", config.text("model_revision"), files)
        .ifPresent(directory -> here.put("model_name_or_path", directory));
    Optional<String> own =
        tokenizer.equals(model)
            ? Optional.ofNullable(here.get("model_name_or_path"))
            : local(
                config, "tokenizer_name_or_path", HfCache.DEFAULT_REVISION, ModelFiles.TOKENIZER);
    own.ifPresent(directory -> here.put("tokenizer_name_or_path", directory));
    return here.isEmpty()
        ? config
        : config.with(here, "%s at %s".formatted(model, config.text("model_revision")));
  }

  private static Optional<String> local(
      TrainingConfig config, String key, String revision, ModelFiles files) {
    String name = config.text(key);
    if (Files.exists(Path.of(name)) || !name.contains("/") || !HfCache.isId(name)) {
      return Optional.empty();
    }
    try {
      return Optional.of(Hub.ofEnvironment().model(name, revision, files).toString());
    } catch (HubException e) {
      throw config.wrong(key, "cannot be taken from the hub: " + e.getMessage());
    }
  }

  /// Rows of a stream are as long as they can be; how long documents are, only the data says.
  private void requirePositions() {
    int most = shape().maxPositions();
    if (config.text("packing").equals("concat") && config.count("sequence_len") > most) {
      throw config.wrong(
          "sequence_len",
          "is longer than the model's max_position_embeddings of %d; lower it".formatted(most));
    }
  }

  private static CorpusTokenizer tokenizer(TrainingConfig config, ModelConfig model) {
    Path directory = Path.of(config.text("tokenizer_name_or_path"));
    Path file = directory.resolve("tokenizer.json");
    if (!Files.exists(file)) {
      if (!config.text("tokenizer_name_or_path").equals(config.text("model_name_or_path"))) {
        throw config.wrong(
            "tokenizer_name_or_path", "has no tokenizer.json; name a directory that holds one");
      }
      return CorpusTokenizer.none(model.vocabSize());
    }
    Tokenizer tokenizer = Tokenizers.load(directory);
    if (tokenizer.vocabSize() > model.vocabSize()) {
      throw new ConfigException(
          "%s has ids up to %d, but the model has a vocabulary of %d; tokenizer_name_or_path and model_name_or_path do not belong together"
              .formatted(file, tokenizer.vocabSize() - 1, model.vocabSize()));
    }
    return CorpusTokenizer.of(tokenizer, file);
  }

  static OptimizerProvider provider(TrainingConfig config) {
    String name = optimizerName(config.text("optim"));
    try {
      return Plugins.load(OptimizerProvider.class, "optimizer").named(name);
    } catch (PluginException e) {
      throw config.wrong("optim", "cannot be used: " + e.getMessage());
    }
  }

  /// One name for those that `optim` has for the same arithmetic.
  static String optimizerName(String optim) {
    return switch (optim) {
      case "adamw_torch_fused", "adamw_hf", "adamw" -> "adamw_torch";
      case String other -> other;
    };
  }

  /// The same with other settings.
  TrainingJob with(TrainingConfig other) {
    return new TrainingJob(other, backend, configJson, tokenizer, provider, optimizerConfig);
  }

  /// The job as it goes on from a checkpoint.
  ///
  /// @throws ConfigException if the checkpoint is of another run
  TrainingJob continued(Path checkpoint) {
    ResumeState before = ResumeState.read(checkpoint);
    TrainingConfig divided = before.divided(config, checkpoint);
    before.requireSame(divided, checkpoint);
    ResumeState.requireSameModel(shape(), checkpoint);
    return with(divided);
  }

  /// The directory of the base model.
  Path base() {
    return Path.of(config.text("model_name_or_path"));
  }

  ModelConfig shape() {
    return Models.config(configJson);
  }

  /// The type of the final model's weights.
  DType saveType() {
    return switch (config.text("save_dtype")) {
      case "float32" -> DType.F32;
      case "bfloat16" -> DType.BF16;
      case "float16" -> DType.F16;
      default -> Models.dtype(configJson);
    };
  }

  TrainingData openData() {
    return TrainingData.open(config, shape(), tokenizer);
  }

  /// @param checkpoints how many there are of the run that is continued; empty for a new run
  TrainingForecast forecast(TrainingData data, OptionalInt checkpoints) {
    return TrainingForecast.of(this, data, checkpoints);
  }

  MicroBatches batches(TrainingData data) {
    return MicroBatches.of(data.loader(config.count(MemoryChoices.BATCH)));
  }

  /// The model with the weights that training begins with: those of a checkpoint, of the base, or
  /// fresh ones.
  CausalLM model(Optional<Path> checkpoint) {
    return checkpoint.isEmpty() && config.flag("train_from_scratch")
        ? Models.create(backend, configJson, DType.F32, true, config.whole("seed"))
        : Models.load(backend, checkpoint.orElse(base()), DType.F32, true);
  }

  Optimizer optimizer(CausalLM model) {
    return provider.create(backend, model.parameters(), optimizerConfig);
  }

  ModelState state(CausalLM model, Optimizer optimizer) {
    return new ModelState(
        backend,
        model,
        optimizer,
        configJson,
        base(),
        Path.of(config.text("tokenizer_name_or_path")),
        config.bytes("max_shard_size"));
  }
}
