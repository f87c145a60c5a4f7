package dev.yushan.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.backend.Backend;
import dev.yushan.chat.ChatTemplate;
import dev.yushan.engine.Engine;
import dev.yushan.engine.EngineConfig;
import dev.yushan.engine.EngineStats;
import dev.yushan.http.ChatFormat;
import dev.yushan.http.HttpService;
import dev.yushan.http.LoadedModel;
import dev.yushan.http.Loading;
import dev.yushan.http.ServerConfig;
import dev.yushan.http.StructuredOutput;
import dev.yushan.io.ByteSize;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.structured.Structured;
import dev.yushan.structured.Vocabulary;
import dev.yushan.text.Tokenizer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `yushan serve`: the OpenAI-compatible service on a model.
@Command(
    name = "serve",
    description = "Serve a model over HTTP, as vLLM does.",
    footer = {
      "%nEvery option can be given by the environment (--max-model-len by YUSHAN_MAX_MODEL_LEN) or"
          + " by a YAML file (--config); the command line comes first, then the environment."
          + " SIGTERM and SIGINT finish what was begun; a second one ends at once. The model may"
          + " stand first, without --model, as for vLLM. For example:",
      "  yushan serve --model demo-run/continued",
      "  yushan serve demo-run/continued",
      "  yushan serve --model org/name --revision main --quantization q8_0 --api-key secret"
    })
final class ServeCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

  @Spec private CommandSpec spec;
  @Mixin private ModelChoice model;
  @Mixin private BackendChoice backendChoice;
  @Mixin private ServeOptions options;

  @Override
  public Integer call() {
    options.setLogLevel();
    model.requireConsistent();
    Path directory = model.directory();
    ServerConfig config = config(directory);
    model.requireTokenizerFile();
    CountDownLatch stop = new CountDownLatch(1);
    RaisedSignals signals = new RaisedSignals((name, number) -> raised(name, number, stop));
    try (HttpService service = start(config, directory)) {
      LOG.info(
          "listening on {}:{}; /health answers 200 when the model is loaded",
          config.host(),
          service.port());
      service
          .ready()
          .whenComplete(
              (loaded, failure) -> {
                if (failure != null) {
                  stop.countDown();
                }
              });
      Optional<EngineLine> line =
          EngineLine.on(() -> stats(service), () -> service.loading().words());
      stop.await();
      line.ifPresent(EngineLine::close);
      boolean done = service.stop();
      if (failed(service)) {
        return 1;
      }
      LOG.info(done ? "all requests were finished" : "requests were cut off by --shutdown-timeout");
      return 0;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return 1;
    } finally {
      signals.close();
    }
  }

  /// What is wrong with an option is said before anybody listens, hence the backend is opened
  /// first.
  private HttpService start(ServerConfig config, Path directory) {
    JsonNode samplingDefaults = options.samplingDefaults(directory);
    options.requireTemplate(model.tokenizerDirectory());
    Backend backend = backendChoice.open();
    try {
      return HttpService.start(
          config, progress -> load(backend, directory, samplingDefaults, progress));
    } catch (RuntimeException | Error e) {
      backend.close();
      throw e;
    }
  }

  private ServerConfig config(Path directory) {
    try {
      options.require(Models.config(directory));
      return options.server(model.name());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          ServeDefaults.blamed(spec.commandLine(), e.getMessage()), e);
    }
  }

  private static Optional<EngineStats> stats(HttpService service) {
    boolean loaded = service.ready().isDone() && !service.ready().isCompletedExceptionally();
    return loaded ? Optional.of(service.ready().join().engine().stats()) : Optional.empty();
  }

  private static void raised(String name, int number, CountDownLatch stop) {
    if (stop.getCount() == 0) {
      Runtime.getRuntime().halt(RaisedSignals.SIGNALLED + number);
    }
    LOG.info("{}: what was begun is finished, no more is taken; another one ends at once", name);
    stop.countDown();
  }

  private static boolean failed(HttpService service) throws InterruptedException {
    if (!service.ready().isCompletedExceptionally()) {
      return false;
    }
    try {
      service.ready().get();
      return false;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof CancellationException) {
        return false; // it was stopped before it was ready
      }
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  /// None for a tokenizer that it cannot be made for: everything else is served.
  private static Optional<StructuredOutput> structured(Tokenizer tokenizer, ModelConfig config) {
    try {
      Structured structured = new Structured(Vocabulary.of(tokenizer, config.eosIds()));
      return Optional.of(StructuredOutput.of(structured));
    } catch (IllegalArgumentException e) {
      LOG.warn("structured output is not available: {}", e.getMessage());
      return Optional.empty();
    }
  }

  private static void requireFit(Tokenizer tokenizer, ModelConfig config) {
    if (tokenizer.vocabSize() > config.vocabSize()) {
      throw new IllegalArgumentException(
          "the tokenizer has ids up to %d, but the model a vocabulary of %d; name the one that belongs to it by --tokenizer"
              .formatted(tokenizer.vocabSize() - 1, config.vocabSize()));
    }
  }

  /// What a template sees of a tokenizer without a `tokenizer_config.json`.
  private static Map<String, String> specialTokens(Tokenizer tokenizer, ModelConfig config) {
    OptionalInt bos = tokenizer.bosId().isPresent() ? tokenizer.bosId() : config.bosId();
    Map<String, String> tokens = new HashMap<>();
    bos.ifPresent(id -> tokens.put("bos_token", tokenizer.decode(new int[] {id}, false)));
    tokenizer
        .eosId()
        .ifPresent(id -> tokens.put("eos_token", tokenizer.decode(new int[] {id}, false)));
    return tokens;
  }

  /// @param backend is closed with the model, and if that cannot be loaded
  private LoadedModel load(
      Backend backend, Path directory, JsonNode samplingDefaults, Consumer<Loading> progress)
      throws InterruptedException {
    try {
      progress.accept(new Loading("reading the tokenizer", 0));
      Tokenizer tokenizer = model.requireTokenizer();
      ModelConfig config = Models.config(directory);
      requireFit(tokenizer, config);
      Map<String, String> specialTokens = specialTokens(tokenizer, config);
      Optional<ChatTemplate> template =
          options.chatTemplate(model.tokenizerDirectory(), specialTokens);
      LoadedModel.requireUsable(samplingDefaults, tokenizer);
      progress.accept(new Loading("reading the weights", 0));
      CausalLM loaded = model.load(backend, progress);
      Engine engine = engine(backend, loaded, tokenizer, progress);
      return new LoadedModel(
          engine,
          tokenizer,
          model.name(),
          samplingDefaults,
          template.map(ChatFormat::of),
          structured(tokenizer, loaded.config()),
          () -> {
            engine.close();
            loaded.close();
            backend.close();
          });
    } catch (InterruptedException | RuntimeException | Error e) {
      backend.close();
      throw e;
    }
  }

  private Engine engine(
      Backend backend, CausalLM loaded, Tokenizer tokenizer, Consumer<Loading> progress)
      throws InterruptedException {
    progress.accept(new Loading("making room for keys and values", 1));
    EngineConfig config = options.engine(backend, loaded.config());
    Engine engine = new Engine(backend, loaded, tokenizer, config);
    LOG.info(
        "up to {} requests of {} tokens; {} of keys and values in {} hold {} tokens",
        config.maxNumSeqs(),
        config.maxModelLen(),
        ByteSize.words(config.kvCacheBytes()),
        config.kvCacheDtype(),
        config.kvCacheTokens(loaded.config()));
    progress.accept(new Loading("warming up", 1));
    warmUp(engine, loaded);
    return engine;
  }

  private static void warmUp(Engine engine, CausalLM loaded) throws InterruptedException {
    try {
      engine.warmUp();
    } catch (InterruptedException | RuntimeException e) {
      engine.close();
      loaded.close();
      throw e;
    }
  }
}
