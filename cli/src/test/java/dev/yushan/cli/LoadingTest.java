package dev.yushan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.ForwardingBackend;
import dev.yushan.golden.Golden;
import dev.yushan.http.HttpService;
import dev.yushan.http.LoadedModel;
import dev.yushan.http.Loading;
import dev.yushan.http.ServerConfig;
import dev.yushan.model.CausalLM;
import dev.yushan.model.llama.GgufModels;
import dev.yushan.model.llama.MatrixTypes;
import dev.yushan.process.ChildJvm;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/// What a client sees while `serve` loads a model: it asks at every weight, from within the
/// backend.
@Timeout(120)
class LoadingTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final Pattern PORT = Pattern.compile("listening on [^:]+:(\\d+)");

  @TempDir private Path directory;

  private final HttpClient client = HttpClient.newHttpClient();
  private final CompletableFuture<URI> health = new CompletableFuture<>();
  private final List<JsonNode> reading = new CopyOnWriteArrayList<>();
  private final List<JsonNode> arranging = new CopyOnWriteArrayList<>();
  private long arranged;
  private long all;

  private JsonNode ask() {
    try {
      HttpResponse<String> answer =
          client.send(HttpRequest.newBuilder(health.join()).build(), BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(503);
      return JSON.readTree(answer.body());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private Path model(String form) {
    Path golden = Golden.path("tiny-llama-a");
    if (form.equals("safetensors")) {
      return golden;
    }
    Path file = directory.resolve("tiny.gguf");
    GgufModels.export(golden, file, MatrixTypes.all(DType.F32), false);
    return file;
  }

  private LoadedModel load(String form, Consumer<Loading> progress) throws InterruptedException {
    BackendOptions options = new BackendOptions(2, Optional.empty(), Map.of());
    ModelChoice choice =
        CommandLine.populateCommand(new ModelChoice(), "--model", model(form).toString());
    try (Backend cpu = Backends.open(Optional.empty(), options);
        CausalLM model = choice.load(asking(cpu), progress)) {
      all = model.config().parameters();
      arranging.add(ask());
    }
    throw new InterruptedException("what comes after the weights is not asked for here");
  }

  private Backend asking(Backend backend) {
    return new ForwardingBackend(backend) {
      @Override
      public void upload(MemorySegment source, Tensor target) {
        reading.add(ask());
        super.upload(source, target);
      }

      @Override
      public void freeze(Tensor matrix) {
        arranging.add(ask());
        arranged += matrix.elements();
        super.freeze(matrix);
      }
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"safetensors", "gguf"})
  void healthTellsTheShareOfTheWeightsThatIsDone(String form) {
    ServerConfig config = ServerConfig.of("tiny").toBuilder().host("127.0.0.1").port(0).build();
    try (HttpService service = HttpService.start(config, progress -> load(form, progress))) {
      health.complete(URI.create("http://127.0.0.1:%d/health".formatted(service.port())));
      assertThatThrownBy(() -> service.ready().get())
          .hasCauseInstanceOf(CancellationException.class);
      assertThat(service.loading().words()).isEqualTo("arranging the weights, 99 %");
    }
    List<Double> shares = new ArrayList<>();
    reading.forEach(answer -> shares.add(share(answer)));
    assertThat(shares).startsWith(0.0).allMatch(share -> share < 0.5);
    arranging.forEach(answer -> shares.add(share(answer)));
    assertThat(shares).isSorted();
    assertThat(shares.stream().distinct()).hasSizeGreaterThan(15);
    assertThat(share(arranging.getFirst())).isEqualTo(0.5);
    // the vectors of the norms are not arranged
    assertThat(share(arranging.getLast()))
        .isEqualTo(Math.floor(500.0 * (all + arranged) / all) / 1000)
        .isGreaterThan(0.99);
    assertThat(reading.getLast().path("progress").asText()).isEqualTo("reading the weights");
    assertThat(arranging.getLast().path("progress").asText()).isEqualTo("arranging the weights");
  }

  private static double share(JsonNode answer) {
    assertThat(answer.path("status").asText()).isEqualTo("loading");
    return answer.path("done").doubleValue();
  }

  /// A pipe that nobody writes to, in the place of a file of the tokenizer, holds the loading. As
  /// in a container that is read-only, there is no place for temporary files.
  @Test
  void theProcessAnswersWhileItLoadsAndEndsWithZero() throws Exception {
    Path model = SpelledIds.served(Golden.path("tiny-llama-a"), directory.resolve("model"));
    String pipe = model.resolve("tokenizer_config.json").toString();
    assertThat(new ProcessBuilder("mkfifo", pipe).start().waitFor()).isZero();
    Path log = directory.resolve("log");
    ProcessBuilder builder =
        ChildJvm.COMPUTING
            .running(Yushan.class, "serve", "--model", model, "--port", 0)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().put("JAVA_TOOL_OPTIONS", "-Djava.io.tmpdir=/dev/null");
    Process process = builder.start();
    try {
      Matcher port = PORT.matcher("");
      while (!port.reset(Files.readString(log)).find()) {
        assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
        Thread.sleep(20);
      }
      health.complete(URI.create("http://localhost:%s/health".formatted(port.group(1))));
      while (!ask().path("progress").asText().equals("reading the tokenizer")) {
        Thread.sleep(20);
      }
      assertThat(share(ask())).isZero();
      process.destroy();
      assertThat(process.waitFor()).as(Files.readString(log)).isZero();
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void theLineOnTheTerminalTellsIt() {
    assertThat(new Loading("reading the weights", 0.429).words())
        .isEqualTo("reading the weights, 42 %");
  }
}
