package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.engine.Engine;
import dev.yushan.engine.EngineConfig;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.structured.Structured;
import dev.yushan.structured.Vocabulary;
import dev.yushan.tensor.DType;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// The service with the golden tiny model behind it, on a free port, and a client.
final class ServiceFixture implements AutoCloseable {
  static final ObjectMapper JSON = new ObjectMapper();
  static final String MODEL = "org/tiny-llama-a";
  static final int CONTEXT = 400;
  static final String TEXT = "中華民國憲法第一條:台灣的山很高,玉山最高。";

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  final HttpService service;
  final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  final Engine[] engine = new Engine[1];
  final Tokenizer tokenizer;

  private ServiceFixture(ServerConfig config, EngineConfig engineConfig, Extras extras) {
    tokenizer = tokenizer();
    service =
        HttpService.start(
            config,
            progress -> {
              progress.accept(new Loading("reading weights", 0.1239));
              extras.beforeLoad().run();
              return load(engineConfig, extras);
            });
  }

  /// What a test may add to the model.
  record Extras(
      Runnable beforeLoad,
      Optional<ChatFormat> chat,
      JsonNode samplingDefaults,
      UnaryOperator<Backend> device) {
    Extras(Runnable beforeLoad, Optional<ChatFormat> chat, JsonNode samplingDefaults) {
      this(beforeLoad, chat, samplingDefaults, cpu -> cpu);
    }

    static final Extras NONE = new Extras(() -> {}, Optional.empty(), JSON.createObjectNode());
  }

  /// Ready to serve.
  static ServiceFixture start() {
    return start(config -> config, Extras.NONE);
  }

  static ServiceFixture start(UnaryOperator<ServerConfig> change, Extras extras) {
    ServiceFixture fixture = loading(change, engineConfig(16, 100), extras);
    fixture.service.ready().join();
    return fixture;
  }

  static ServiceFixture loading(
      UnaryOperator<ServerConfig> change, EngineConfig engineConfig, Extras extras) {
    ServerConfig config = ServerConfig.of(MODEL);
    ServerConfig local =
        config.toBuilder().host("127.0.0.1").port(0).modelNames(List.of(MODEL, "tiny")).build();
    return new ServiceFixture(change.apply(local), engineConfig, extras);
  }

  static EngineConfig engineConfig(int sequences, int waiting) {
    return new EngineConfig(CONTEXT, sequences, 256, 64L << 20, DType.F32, true, waiting);
  }

  /// The ids that end a text for the golden model are plain bytes for the tokenizer made here: what
  /// has a form ends with the tokenizer's own, which requests name in `stop_token_ids`.
  private LoadedModel load(EngineConfig config, Extras extras) {
    Backend cpu =
        Backends.open(Optional.empty(), new BackendOptions(2, Optional.empty(), Map.of()));
    Backend backend = extras.device().apply(cpu);
    CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, false);
    engine[0] = new Engine(backend, model, tokenizer, config);
    return new LoadedModel(
        engine[0],
        tokenizer,
        "tiny-llama-a",
        extras.samplingDefaults(),
        extras.chat(),
        Optional.of(
            StructuredOutput.of(
                new Structured(
                    Vocabulary.of(tokenizer, List.of(tokenizer.eosId().orElseThrow()))))),
        () -> {
          engine[0].close();
          model.close();
          backend.close();
        });
  }

  /// As many ids as the model has, learned from a little Chinese text: some are whole characters,
  /// some parts of one.
  private static Tokenizer tokenizer() {
    try {
      Path directory = Files.createTempDirectory("yushan-http");
      directory.toFile().deleteOnExit();
      String text = TEXT + "The quick brown fox jumps over the lazy dog. 繁體中文、注音符號ㄅㄆㄇ。";
      return BpeTrainer.train(
          Stream.of(text, text).iterator(), BpeTrainer.Options.ofVocabSize(512), directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int port() {
    return service.port();
  }

  URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port() + path);
  }

  HttpResponse<String> get(String path, String... headers) {
    return send(request(path, headers).GET().build());
  }

  HttpResponse<String> post(String path, String body, String... headers) {
    return send(
        request(path, headers)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build());
  }

  HttpRequest.Builder request(String path, String... headers) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(uri(path)).timeout(PATIENCE);
    return headers.length == 0 ? builder : builder.headers(headers);
  }

  HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /// The answer to a body, which must be 200. Single quotes stand for double ones.
  JsonNode ok(String path, String body) {
    HttpResponse<String> response = post(path, body.replace('\'', '"'));
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    return json(response.body());
  }

  /// The events of a stream, which must end with `[DONE]`.
  List<JsonNode> events(String path, String body) {
    HttpResponse<String> response = post(path, body.replace('\'', '"'));
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + " " + response.body());
    }
    return events(response.body());
  }

  static List<JsonNode> events(String stream) {
    if (!stream.endsWith("data: [DONE]\n\n")) {
      throw new AssertionError("no [DONE] at the end of " + stream);
    }
    List<JsonNode> events = new ArrayList<>();
    for (String event : stream.split("\n\n")) {
      if (!event.startsWith("data: ") || event.contains("\n")) {
        throw new AssertionError("no event: " + event);
      }
      if (!event.equals("data: [DONE]")) {
        events.add(json(event.substring(6)));
      }
    }
    return events;
  }

  /// The error of a request that is refused.
  JsonNode error(String path, String body, int status) {
    return error(post(path, body.replace('\'', '"')), status);
  }

  static JsonNode error(HttpResponse<String> response, int status) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    JsonNode error = json(response.body()).path("error");
    assertThat(error.path("message").asText()).isNotEmpty();
    assertThat(error.path("type").asText()).endsWith("Error");
    assertThat(error.path("code").asInt()).isEqualTo(status);
    return error;
  }

  static List<Integer> ids(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(JsonNode::intValue).toList();
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(text, e);
    }
  }

  @Override
  public void close() {
    service.close();
    client.close();
  }
}
