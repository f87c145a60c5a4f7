package dev.yushan.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.io.DurableFiles;
import dev.yushan.io.JsonFault;
import dev.yushan.io.StorageType;
import dev.yushan.io.gguf.Gguf;
import dev.yushan.plugin.Plugins;
import dev.yushan.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/// Model directories in the Hugging Face layout: `config.json`, `generation_config.json`,
/// safetensors, tokenizer files. What is saved here `transformers` loads unchanged.
public final class Models {
  private static final String CONFIG = "config.json";
  private static final String GENERATION_CONFIG = "generation_config.json";

  private static final List<String> TOKENIZER_FILES =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja");

  private static final ObjectMapper JSON = new ObjectMapper();

  private Models() {}

  /// The config.json of a model directory, or the file itself.
  ///
  /// @throws ModelException if it is not there or no JSON object
  public static ObjectNode configJson(Path directoryOrFile) {
    requireNoGguf(directoryOrFile);
    Path file = configFile(directoryOrFile);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(
          "%s does not exist; name a model directory%s"
              .formatted(file, Files.isDirectory(directoryOrFile) ? gguf(directoryOrFile) : ""));
    }
    try {
      if (JSON.readTree(file.toFile()) instanceof ObjectNode object) {
        return object;
      }
      throw new ModelException(file + ": not a JSON object");
    } catch (JsonProcessingException e) {
      throw new ModelException(file + ": no valid JSON: " + JsonFault.of(e), e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /// Refuses a GGUF file where a model directory is read.
  ///
  /// @throws ModelException that says how to make one of it
  public static void requireNoGguf(Path model) {
    if (Gguf.named(model) && Files.isRegularFile(model)) {
      throw new ModelException(
          "%s is a GGUF file, and a model directory is needed here; yushan export makes one of it"
              .formatted(model));
    }
  }

  /// Names a GGUF file that lies where a config.json was looked for.
  private static String gguf(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(Gguf::named)
          .min(Comparator.naturalOrder())
          .map(", or the GGUF file itself: %s"::formatted)
          .orElse("");
    } catch (IOException e) {
      throw new UncheckedIOException(directory + " cannot be read", e);
    }
  }

  private static Path configFile(Path directoryOrFile) {
    return Files.isDirectory(directoryOrFile) ? directoryOrFile.resolve(CONFIG) : directoryOrFile;
  }

  /// The shape that a config.json describes.
  ///
  /// @throws ModelException naming the key that is wrong
  public static ModelConfig config(JsonNode configJson) {
    return in(CONFIG, () -> provider(configJson).config(configJson));
  }

  /// The shape that the config.json of a model directory, or the file itself, describes.
  ///
  /// @throws ModelException naming the file and the key that is wrong
  public static ModelConfig config(Path directoryOrFile) {
    ObjectNode json = configJson(directoryOrFile);
    return in(configFile(directoryOrFile), () -> provider(json).config(json));
  }

  /// What `reading` gives; its complaints begin with the file.
  private static <T> T in(Object file, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (ModelException e) {
      throw new ModelException(file + ": " + e.getMessage(), e);
    }
  }

  /// Loads the model in `directory`.
  ///
  /// @param weights the type to keep the matrices in: F32 to train; BF16 or F16 halve the memory
  /// @param trainable whether gradients are allocated beside the weights
  /// @throws ModelException or [dev.yushan.io.FileFormatException] naming file, tensor and reason
  public static CausalLM load(Backend backend, Path directory, DType weights, boolean trainable) {
    return load(backend, directory, weights, trainable, count -> {});
  }

  /// The same.
  ///
  /// @param read is told, a few millions at a time, how many weights have been read; they add up to
  ///   [ModelConfig#parameters]
  public static CausalLM load(
      Backend backend, Path directory, DType weights, boolean trainable, LongConsumer read) {
    ObjectNode configJson = configJson(directory);
    addGenerationEos(configJson, directory);
    return filled(
        () -> in(configFile(directory), () -> sized(backend, configJson, weights, trainable)),
        model -> WeightFiles.load(backend, directory, model.parameters(), read));
  }

  /// Adds the ids that `generation_config.json` ends a text at to those of the config.
  private static void addGenerationEos(ObjectNode configJson, Path directory) {
    String key = "eos_token_id";
    Path file = directory.resolve(GENERATION_CONFIG);
    if (Files.isRegularFile(file)) {
      ObjectNode generation = configJson(file);
      Set<Integer> ids =
          new LinkedHashSet<>(
              in(configFile(directory), () -> new ConfigReader(configJson).ids(key)));
      ids.addAll(in(file, () -> new ConfigReader(generation).ids(key)));
      ArrayNode all = configJson.putArray(key);
      ids.forEach(all::add);
    }
  }

  /// A model with fresh random weights, a pure function of `seed`.
  public static CausalLM create(
      Backend backend, ObjectNode configJson, DType weights, boolean trainable, long seed) {
    ModelProvider provider = in(CONFIG, () -> provider(configJson));
    return filled(
        () -> allocate(backend, configJson, weights, trainable),
        model ->
            FreshWeights.fill(
                backend, model.parameters(), name -> provider.initializer(configJson, name), seed));
  }

  /// The model that a config.json describes, with weights of zero.
  public static CausalLM allocate(
      Backend backend, JsonNode configJson, DType weights, boolean trainable) {
    return in(CONFIG, () -> sized(backend, configJson, weights, trainable));
  }

  private static CausalLM sized(
      Backend backend, JsonNode configJson, DType weights, boolean trainable) {
    ModelProvider provider = provider(configJson);
    return provider.allocate(backend, provider.config(configJson), weights, trainable);
  }

  private interface Filler {
    void fill(CausalLM model);
  }

  private static CausalLM filled(Supplier<CausalLM> allocation, Filler filler) {
    CausalLM model = allocation.get();
    try {
      filler.fill(model);
      return model;
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /// Writes config.json and the weights to `directory`, which is made if absent.
  ///
  /// @param dtype F32, F16 or BF16, rounded to nearest even
  /// @param maxShardBytes weights beyond this are split into several files with an index
  public static void save(
      Backend backend,
      CausalLM model,
      ObjectNode configJson,
      Path directory,
      DType dtype,
      long maxShardBytes) {
    try {
      Files.createDirectories(directory);
      WeightFiles.save(backend, model.parameters(), directory, dtype, maxShardBytes);
      writeConfig(configJson, directory, Optional.of(dtype));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the model to " + directory, e);
    }
  }

  private static void writeConfig(ObjectNode configJson, Path directory, Optional<DType> dtype)
      throws IOException {
    ObjectNode written = configJson.deepCopy();
    dtype.ifPresent(
        d -> written.put(written.has("torch_dtype") ? "torch_dtype" : "dtype", torchName(d)));
    DurableFiles.write(
        directory.resolve(CONFIG),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(written) + "\n");
  }

  /// Writes the model in `from`, a checkpoint too, to `to` with its tokenizer and nothing else:
  /// file to file, without a backend and without holding it in memory.
  ///
  /// @param dtype F32, F16 or BF16, rounded to nearest even; absent leaves the values as they are
  /// @param maxShardBytes weights beyond this are split into several files with an index
  /// @throws IllegalArgumentException naming tensor and element where a value does not fit `dtype`
  public static void export(Path from, Path to, Optional<DType> dtype, long maxShardBytes) {
    ObjectNode configJson = configJson(from);
    try {
      Files.createDirectories(to);
      WeightFiles.convert(from, to, dtype.map(StorageType::of), maxShardBytes);
      writeConfig(configJson, to, dtype);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the model to " + to, e);
    }
    copyGenerationConfig(from, to);
    copyTokenizer(from, to);
  }

  /// Writes `generation_config.json`: that of the model in `from`, or if it has none the BOS and
  /// EOS ids of `configJson`, as `save_pretrained` of transformers does for a new model.
  public static void saveGenerationConfig(Path from, JsonNode configJson, Path to) {
    if (copyGenerationConfig(from, to)) {
      return;
    }
    ModelConfig shape = config(configJson);
    ObjectNode json = JSON.createObjectNode().put("_from_model_config", true);
    shape.bosId().ifPresent(id -> json.put("bos_token_id", id));
    if (shape.eosIds().size() == 1) {
      json.put("eos_token_id", shape.eosIds().getFirst());
    } else if (!shape.eosIds().isEmpty()) {
      shape.eosIds().forEach(json.putArray("eos_token_id")::add);
    }
    DurableFiles.write(to.resolve(GENERATION_CONFIG), json.toPrettyString() + "\n");
  }

  private static boolean copyGenerationConfig(Path from, Path to) {
    return copy(from.resolve(GENERATION_CONFIG), to.resolve(GENERATION_CONFIG));
  }

  /// Copies the tokenizer in `from`, if there is one, in place of any in `to`: what only that one
  /// has goes, so that no chat template stays beside a tokenizer that it was not made for.
  public static void copyTokenizer(Path from, Path to) {
    if (!Files.isRegularFile(from.resolve(TOKENIZER_FILES.getFirst()))) {
      return;
    }
    for (String name : TOKENIZER_FILES) {
      Path target = to.resolve(name);
      try {
        if (!copy(from.resolve(name), target)) {
          Files.deleteIfExists(target);
        }
      } catch (IOException e) {
        throw new UncheckedIOException("cannot replace the tokenizer in " + to, e);
      }
    }
  }

  private static boolean copy(Path source, Path target) {
    try {
      if (!Files.isRegularFile(source)) {
        return false;
      }
      if (!Files.exists(target) || !Files.isSameFile(source, target)) {
        DurableFiles.write(target, Files.readAllBytes(source));
      }
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot copy %s to %s".formatted(source, target), e);
    }
  }

  /// The type that a config.json says its weights have: F32 if it says none.
  ///
  /// @throws ModelException naming the file if the type is none that weights can have here
  public static DType dtype(Path directoryOrFile) {
    ObjectNode json = configJson(directoryOrFile);
    return in(configFile(directoryOrFile), () -> dtypeOf(json));
  }

  /// The same, of a config.json that was read.
  public static DType dtype(JsonNode configJson) {
    return in(CONFIG, () -> dtypeOf(configJson));
  }

  private static DType dtypeOf(JsonNode configJson) {
    String name = configJson.path("dtype").asText(configJson.path("torch_dtype").asText("float32"));
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "float32", "auto", "" -> DType.F32;
      case "bfloat16" -> DType.BF16;
      case "float16" -> DType.F16;
      default ->
          throw new ModelException(
              "dtype %s is not supported; supported: float32, bfloat16, float16".formatted(name));
    };
  }

  /// The name that a config.json has for a type of weights.
  ///
  /// @throws IllegalArgumentException for a type that safetensors cannot hold
  public static String torchName(DType dtype) {
    return switch (dtype) {
      case F32 -> "float32";
      case BF16 -> "bfloat16";
      case F16 -> "float16";
      default ->
          throw new IllegalArgumentException(dtype + " cannot be saved; use F32, F16 or BF16");
    };
  }

  private static ModelProvider provider(JsonNode configJson) {
    String architecture = configJson.path("architectures").path(0).asText("");
    Plugins<ModelProvider> plugins = Plugins.load(ModelProvider.class, "model");
    return providers(plugins)
        .filter(provider -> provider.architecture().equals(architecture))
        .findFirst()
        .orElseThrow(
            () ->
                new ModelException(
                    "architectures %s is not supported; supported: %s"
                        .formatted(configJson.path("architectures"), supported(plugins))));
  }

  private static Stream<ModelProvider> providers(Plugins<ModelProvider> plugins) {
    return plugins.rows().stream().flatMap(row -> row.plugin().stream());
  }

  private static String supported(Plugins<ModelProvider> plugins) {
    List<String> all = providers(plugins).map(ModelProvider::architecture).toList();
    String failures = plugins.failures();
    return failures.isEmpty() ? all.toString() : all + "; not loaded: " + failures;
  }
}
