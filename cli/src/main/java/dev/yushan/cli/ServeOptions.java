package dev.yushan.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.chat.ChatTemplate;
import dev.yushan.engine.EngineConfig;
import dev.yushan.http.ServerConfig;
import dev.yushan.io.JsonFault;
import dev.yushan.model.ModelConfig;
import dev.yushan.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Option;

/// The options of `yushan serve` beside those of model and backend, under the names of vLLM.
final class ServeOptions {
  /// Of the memory that is left, what keys and values get by default, and at most.
  private static final double KV_SHARE = 0.5;

  private static final long KV_MOST = 4L << 30;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "YAML file with options, as max-model-len: 4096.")
  private Optional<Path> config = Optional.empty();

  @Option(
      names = "--served-model-name",
      paramLabel = "NAME",
      arity = "1..*",
      description =
          "Names that requests may give the model, each by itself or separated by commas; answers"
              + " carry the one asked for, or the first. Default: that of --model.")
  private List<String> names = List.of();

  @Option(
      names = "--host",
      paramLabel = "HOST",
      defaultValue = "0.0.0.0",
      description = "Address to listen on (default: ${DEFAULT-VALUE}, all).")
  private String host;

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "8000",
      description = "Port to listen on; 0 for any that is free (default: ${DEFAULT-VALUE}).")
  private int port;

  @Option(
      names = "--max-model-len",
      paramLabel = "N",
      converter = CountConverter.class,
      description =
          "Tokens of a request, prompt and continuation together; default: as many as the model"
              + " knows and the cache holds.")
  private Optional<Integer> maxModelLen = Optional.empty();

  @Option(
      names = "--max-num-seqs",
      paramLabel = "N",
      defaultValue = "32",
      description = "Requests computed side by side (default: ${DEFAULT-VALUE}).")
  private int maxNumSeqs;

  @Option(
      names = "--max-num-batched-tokens",
      paramLabel = "N",
      converter = CountConverter.class,
      defaultValue = "512",
      description = "Tokens of one forward pass (default: ${DEFAULT-VALUE}).")
  private int maxNumBatchedTokens;

  @Option(
      names = "--max-waiting",
      paramLabel = "N",
      defaultValue = "1000",
      description =
          "Requests that wait beside those; more are answered with 429 (default:"
              + " ${DEFAULT-VALUE}).")
  private int maxWaiting;

  @Option(
      names = "--kv-cache-memory",
      paramLabel = "SIZE",
      converter = SizeConverter.class,
      description =
          "Memory for keys and values, as 2GB; default: half of what the weights leave, at most"
              + " 4 GiB.")
  private Optional<Long> kvCacheMemory = Optional.empty();

  @Option(
      names = "--kv-cache-dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      description = "Type to keep them in: f32, bf16 or f16 (default: ${DEFAULT-VALUE}).")
  private WeightType kvCacheDtype;

  @Option(
      names = "--enable-prefix-caching",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "Keep keys and values for texts that begin alike (default: yes).")
  private boolean prefixCaching;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of requests that name none; default: another one each time.")
  private Optional<Long> seed = Optional.empty();

  @Option(
      names = "--generation-config",
      paramLabel = "auto|vllm|DIR",
      defaultValue = "auto",
      description =
          "Where the defaults of sampling are from: the model's generation_config.json (auto),"
              + " none (vllm), or that of a directory (default: ${DEFAULT-VALUE}).")
  private String generationConfig;

  @Option(
      names = "--chat-template",
      paramLabel = "FILE",
      description = "Chat template in Jinja, a file or the text; default: the model's own.")
  private Optional<String> chatTemplate = Optional.empty();

  @Option(
      names = "--api-key",
      paramLabel = "KEY",
      arity = "1..*",
      description =
          "Keys of which a request must carry one, each by itself or separated by commas.")
  private List<String> apiKeys = List.of();

  @Option(
      names = "--max-requests-per-key",
      paramLabel = "N",
      description =
          "Requests of one key at a time; more are answered with 429 (default: any number).")
  private Optional<Integer> maxRequestsPerKey = Optional.empty();

  @Option(names = "--ssl-keyfile", paramLabel = "FILE", description = "Key for TLS, in PEM.")
  private Optional<Path> sslKeyfile = Optional.empty();

  @Option(
      names = "--ssl-certfile",
      paramLabel = "FILE",
      description = "Certificate for TLS, in PEM.")
  private Optional<Path> sslCertfile = Optional.empty();

  @Option(
      names = "--allowed-origins",
      paramLabel = "ORIGIN",
      arity = "1..*",
      defaultValue = "*",
      description =
          "Origins of web pages that may call it, each by itself or separated by commas (default:"
              + " ${DEFAULT-VALUE}).")
  private List<String> allowedOrigins;

  @Option(names = "--enable-request-id-headers", description = "Give each answer an X-Request-Id.")
  private boolean requestIds;

  @Option(
      names = "--request-timeout",
      paramLabel = "SECONDS",
      description = "End a request after so long, whatever it has.")
  private Optional<Integer> requestTimeout = Optional.empty();

  @Option(
      names = "--shutdown-timeout",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description =
          "How long requests that were begun may go on after SIGTERM (default:"
              + " ${DEFAULT-VALUE}).")
  private int shutdownTimeout;

  @Option(
      names = "--log-level",
      paramLabel = "LEVEL",
      description = "error, warn, info or debug; default: that of YUSHAN_LOG, or info.")
  private Optional<LogLevel> logLevel = Optional.empty();

  private enum LogLevel {
    ERROR,
    WARN,
    WARNING,
    INFO,
    DEBUG
  }

  @Option(
      names = "--disable-log-requests",
      negatable = true,
      description = "Leave out the log line of each request.")
  private boolean disableLogRequests;

  /// Sets the level of the log, if there is one.
  void setLogLevel() {
    logLevel.ifPresent(
        level -> {
          Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
          root.setLevel(level == LogLevel.WARNING ? Level.WARN : Level.valueOf(level.name()));
        });
  }

  /// @param model as `--model` names it
  ServerConfig server(String model) {
    if (sslKeyfile.isPresent() != sslCertfile.isPresent()) {
      throw new IllegalArgumentException(
          "--ssl-keyfile and --ssl-certfile go together; give both, or none for plain HTTP");
    }
    ServerConfig defaults = ServerConfig.of(model);
    ServerConfig.Limits limits = defaults.limits();
    return defaults.toBuilder()
        .host(host)
        .port(port)
        .modelNames(names.isEmpty() ? List.of(model) : separated(names))
        .apiKeys(separated(apiKeys))
        .tls(sslKeyfile.map(key -> new ServerConfig.Tls(key, sslCertfile.orElseThrow())))
        .allowedOrigins(separated(allowedOrigins))
        .shutdownTimeout(Duration.ofSeconds(shutdownTimeout))
        .requestTimeout(requestTimeout.map(Duration::ofSeconds))
        .requestIdHeaders(requestIds)
        .logRequests(!disableLogRequests)
        .limits(limits.withRequestsPerKey(maxRequestsPerKey.orElse(limits.requestsPerKey())))
        .build();
  }

  /// What commas separate, and nothing left out: of `,` two empty words, which are refused, since a
  /// list of keys that ends up empty would let everybody in.
  private static List<String> separated(List<String> words) {
    return words.stream().flatMap(word -> Arrays.stream(word.split(",", -1))).toList();
  }

  /// Refuses what will not do for a model, before it is loaded.
  void require(ModelConfig model) {
    if (maxNumBatchedTokens < 1) {
      throw new IllegalArgumentException(
          "--max-num-batched-tokens must be 1 or more, got " + maxNumBatchedTokens);
    }
    int longest = longest(model);
    if (longest > model.maxPositions()) {
      throw new IllegalArgumentException(
          "--max-model-len: the model knows positions up to max_position_embeddings = %d; give that or less"
              .formatted(model.maxPositions()));
    }
    chosen(model, kvCacheMemory.orElse(Long.MAX_VALUE)).pages(model);
  }

  private int longest(ModelConfig model) {
    return maxModelLen.orElse(model.maxPositions());
  }

  /// At least a token of each request.
  private int batched() {
    return Math.max(maxNumBatchedTokens, maxNumSeqs);
  }

  private DType dtype() {
    return kvCacheDtype.dtype().orElse(DType.F32);
  }

  /// How much the engine does at a time, on a backend that has the model.
  ///
  /// @throws IllegalStateException if there is no room for keys and values, for which none was
  ///   wished
  EngineConfig engine(Backend backend, ModelConfig model) {
    long memory =
        kvCacheMemory.orElseGet(
            () -> {
              long activations = EngineConfig.activationBytes(model, maxNumSeqs, batched());
              long left = Math.max(0, backend.availableBytes() - activations);
              return Math.min((long) (KV_SHARE * left), KV_MOST);
            });
    EngineConfig chosen = chosen(model, memory);
    requireRoom(chosen, model);
    // more than all requests can fill would never be used, but for texts that come again
    long useful = chosen.leastKvCacheBytes(model) * (maxNumSeqs + 1L);
    return config(chosen.maxModelLen(), Math.min(memory, useful));
  }

  /// The option was looked at before; what is left without it is the machine's matter.
  private void requireRoom(EngineConfig chosen, ModelConfig model) {
    try {
      chosen.pages(model);
    } catch (IllegalArgumentException e) {
      throw kvCacheMemory.isPresent() ? e : new IllegalStateException(e.getMessage(), e);
    }
  }

  /// Requests as long as the model knows, or as the cache holds if that is less.
  private EngineConfig chosen(ModelConfig model, long memory) {
    EngineConfig most = config(longest(model), memory);
    boolean fits = maxModelLen.isPresent() || most.leastKvCacheBytes(model) <= memory;
    return fits ? most : config((int) Math.max(1, most.kvCacheTokens(model) - 16), memory);
  }

  private EngineConfig config(int longest, long memory) {
    return new EngineConfig(
        longest, maxNumSeqs, batched(), memory, dtype(), prefixCaching, maxWaiting);
  }

  /// @param directory of the tokenizer, with which a template comes
  /// @param specialTokens those of a directory that does not name its own
  Optional<ChatTemplate> chatTemplate(Path directory, Map<String, String> specialTokens) {
    return chatTemplate.isPresent()
        ? Optional.of(ChatTemplate.load(directory, chatTemplate.get(), specialTokens))
        : ChatTemplate.load(directory, specialTokens);
  }

  /// Refuses a template of the command line that is none.
  ///
  /// @param directory of the tokenizer
  void requireTemplate(Path directory) {
    chatTemplate.ifPresent(given -> ChatTemplate.load(directory, given, Map.of()));
  }

  /// What requests that leave it out get.
  JsonNode samplingDefaults(Path model) {
    ObjectNode defaults = new ObjectMapper().createObjectNode();
    if (!generationConfig.equals("vllm")) {
      boolean own = generationConfig.equals("auto");
      Path directory = own ? model : Path.of(generationConfig);
      Path file = directory.resolve("generation_config.json");
      if (Files.isRegularFile(file)) {
        defaults.setAll(read(file));
      } else if (!own) {
        throw new IllegalArgumentException(
            "--generation-config: there is no %s; name auto, vllm, or a directory that has one"
                .formatted(file));
      }
    }
    seed.ifPresent(value -> defaults.put("seed", value));
    return defaults;
  }

  private static ObjectNode read(Path file) {
    try {
      if (new ObjectMapper().readTree(file.toFile()) instanceof ObjectNode object) {
        return object;
      }
      throw new IllegalArgumentException(
          "%s: not a JSON object; repair or remove it".formatted(file));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "%s: no valid JSON: %s; repair or remove it".formatted(file, JsonFault.of(e)), e);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read: check its permissions", e);
    }
  }
}
