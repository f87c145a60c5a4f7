package dev.yushan.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.golden.Golden;
import dev.yushan.process.ChildJvm;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Commands on the GPU backend, in processes that are started as the launcher starts them: the
/// greedy texts are those that transformers generates, as on any backend.
@Timeout(300)
class TornadoCommandsTest {
  private static final String FILE = "a_greedy.safetensors";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path directory;
  private Path model;
  private ChildJvm jvm;

  @BeforeEach
  void prepare() throws IOException {
    jvm = jvm();
    model = SpelledIds.served(Golden.path("tiny-llama-a"), directory.resolve("model"));
  }

  /// A JVM that has the SDK, as the launcher starts one; without an SDK the test ends here.
  static ChildJvm jvm() {
    Path sdk = Path.of(System.getenv().getOrDefault("TORNADOVM_HOME", ""));
    assumeTrue(
        Files.isRegularFile(sdk.resolve("tornado-argfile")),
        "no SDK of TornadoVM (TORNADOVM_HOME): commands on the GPU backend were not tested");
    return new ChildJvm(
        List.of(
            "@" + sdk.resolve("tornado-argfile"),
            "--module-path",
            sdk.resolve("share/java/tornado").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx1g"));
  }

  private static String spelled(String key) {
    return Arrays.stream(Golden.ints(FILE, key))
        .mapToObj(id -> "<" + id + ">")
        .collect(Collectors.joining());
  }

  @Test
  void inferGeneratesTheGoldenText() throws Exception {
    Path log = directory.resolve("log");
    Process process =
        start(
            log,
            "infer",
            "--prompt",
            spelled("short.prompt"),
            "--max-tokens",
            32,
            "--temperature",
            0,
            "--ignore-eos");
    String out = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(() -> read(log)).isZero();
    assertThat(out.strip()).isEqualTo(spelled("short.tokens"));
    assertThat(read(log)).contains("backend tornado");
  }

  @Test
  void theServiceAnswersWithTheGoldenText() throws Exception {
    Path log = directory.resolve("log");
    Process process = start(log, "serve", "--port", 0, "--max-model-len", 64);
    try {
      int port = port(process, log);
      awaitHealth(port);
      long before = counter(metrics(port), "yushan:device_fetched_bytes_total");
      Map<String, Object> request =
          Map.of(
              "prompt",
              spelled("short.prompt"),
              "max_tokens",
              32,
              "temperature",
              0,
              "ignore_eos",
              true);
      HttpResponse<String> response =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/v1/completions"))
                      .header("Content-Type", "application/json")
                      .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(request)))
                      .build(),
                  HttpResponse.BodyHandlers.ofString());
      assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
      assertThat(JSON.readTree(response.body()).at("/choices/0/text").asText())
          .isEqualTo(spelled("short.tokens"));
      String metrics = metrics(port);
      long logits = 32L * 4 * 512;
      assertThat(counter(metrics, "yushan:device_fetched_bytes_total") - before)
          .isBetween(logits, 32L * 16_400);
      assertThat(counter(metrics, "yushan:device_launches_total")).isPositive();
    } finally {
      process.destroyForcibly();
    }
  }

  /// Until the service has warmed up, which moves bytes too.
  private static void awaitHealth(int port) throws IOException, InterruptedException {
    HttpRequest health =
        HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/health")).build();
    for (int i = 0; i < 600; i++) {
      int status =
          HttpClient.newHttpClient()
              .send(health, HttpResponse.BodyHandlers.discarding())
              .statusCode();
      if (status == 200) {
        return;
      }
      Thread.sleep(100);
    }
    fail("the service did not become healthy within a minute");
  }

  private static String metrics(int port) throws IOException, InterruptedException {
    URI uri = URI.create("http://localhost:" + port + "/metrics");
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }

  private static long counter(String metrics, String name) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(name + "{"))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + name + " in\n" + metrics));
  }

  /// Starts a command; what it says to its user goes to `log`.
  private Process start(Path log, String command, Object... more) throws IOException {
    Object[] first = {command, "--backend", "tornado", "--model", model};
    Object[] all = Arrays.copyOf(first, first.length + more.length);
    System.arraycopy(more, 0, all, first.length, more.length);
    return jvm.running(Yushan.class, all).redirectError(log.toFile()).start();
  }

  private static int port(Process process, Path log) throws InterruptedException {
    Pattern listening = Pattern.compile("listening on [^:]+:(\\d+)");
    while (process.isAlive()) {
      Matcher matcher = listening.matcher(read(log));
      if (matcher.find() && read(log).contains("ready:")) {
        return Integer.parseInt(matcher.group(1));
      }
      Thread.sleep(100);
    }
    throw new AssertionError(read(log));
  }

  private static String read(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
