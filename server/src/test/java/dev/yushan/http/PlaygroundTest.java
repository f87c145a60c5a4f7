package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The page in a real browser, before a server that speaks the protocol with texts that are known.
class PlaygroundTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> TOKENS = List.of("玉山", " <b>", "\n", "3952", "。");

  @TempDir Path scratch;

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<JsonNode> requests = new ArrayList<>();
  private final CompletableFuture<Void> left = new CompletableFuture<>();
  private volatile CompletableFuture<Void> finished = new CompletableFuture<>();
  private volatile boolean hasTemplate = true;
  private volatile boolean loading;
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      switch (exchange.getRequestURI().getPath()) {
        case "/" -> send(exchange, 200, "text/html", resource("playground.html"));
        case "/drive" -> send(exchange, 200, "text/html", resource("drive.html"));
        case "/wait" -> {
          waitForEnd();
          send(exchange, 200, "image/png", "");
        }
        case "/finished" -> {
          finished.complete(null);
          send(exchange, 200, "text/plain", "");
        }
        case "/v1/models" ->
            send(exchange, 200, "application/json", "{\"data\": [{\"id\": \"org/small\"}]}");
        case "/tokenize" -> send(exchange, hasTemplate ? 200 : 400, "application/json", "{}");
        case "/metrics" ->
            send(
                exchange,
                200,
                "text/plain",
                "vllm:num_requests_running{engine=\"0\"} 3.0\n"
                    + "vllm:kv_cache_usage_perc{engine=\"0\"} 0.27\n"
                    + "vllm:generation_tokens_total{engine=\"0\"} 40.0\n");
        case "/v1/completions", "/v1/chat/completions" -> generate(exchange);
        case "/health" ->
            send(exchange, loading ? 503 : 200, "application/json", "{\"done\": 0.319}");
        default -> send(exchange, 200, "application/json", "{}");
      }
    }
  }

  private void waitForEnd() {
    try {
      finished.get(40, TimeUnit.SECONDS);
    } catch (TimeoutException | InterruptedException | java.util.concurrent.ExecutionException e) {
      // the page is read as it is
    }
  }

  private void generate(HttpExchange exchange) throws IOException {
    JsonNode request = JSON.readTree(exchange.getRequestBody());
    requests.add(request);
    String prompt = request.path("prompt").asText(request.at("/messages/0/content").asText());
    if (prompt.equals("too long")) {
      send(exchange, 400, "application/json", "{\"error\": {\"message\": \"9 tokens <i>\"}}");
      return;
    }
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.sendResponseHeaders(200, 0);
    int count = prompt.equals("endless") ? Integer.MAX_VALUE : TOKENS.size();
    try {
      for (int i = 0; i < count; i++) {
        event(
            exchange,
            piece(TOKENS.get(i % TOKENS.size()), request.has("messages"), i + 1 == count));
        if (count == Integer.MAX_VALUE) {
          Thread.sleep(5);
        }
      }
      event(exchange, "{\"choices\": [], \"usage\": {\"completion_tokens\": 5}}");
      event(exchange, "[DONE]");
    } catch (IOException e) {
      left.complete(null);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void event(HttpExchange exchange, String data) throws IOException {
    exchange.getResponseBody().write(("data: " + data + "\n\n").getBytes(StandardCharsets.UTF_8));
    exchange.getResponseBody().flush();
  }

  private static String piece(String token, boolean chat, boolean last) throws IOException {
    var choice = JSON.createObjectNode();
    choice.put("finish_reason", last ? "stop" : null);
    var scores = choice.putObject("logprobs");
    if (chat) {
      choice.putObject("delta").put("content", token);
      var score = scores.putArray("content").addObject().put("token", token).put("logprob", -.5);
      score.putArray("top_logprobs").addObject().put("token", token).put("logprob", -.5);
    } else {
      choice.put("text", token);
      scores.putArray("tokens").add(token);
      scores.putArray("token_logprobs").add(-.5);
      scores.putArray("top_logprobs").addObject().put(token, -.5).put("other", -2.0);
    }
    var event = JSON.createObjectNode();
    event.putArray("choices").add(choice);
    return JSON.writeValueAsString(event);
  }

  private static void send(HttpExchange exchange, int status, String type, String body)
      throws IOException {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static String resource(String name) throws IOException {
    try (var in = PlaygroundTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /// What the page shows after a visitor did what the query says.
  private JsonNode seen(String query) throws Exception {
    finished = new CompletableFuture<>();
    Optional<Path> program =
        Arrays.stream(System.getenv("PATH").split(":"))
            .map(directory -> Path.of(directory, "chromium"))
            .filter(Files::isExecutable)
            .findFirst();
    assumeTrue(program.isPresent(), "no chromium on the PATH: apt-get install chromium");
    Path dom = scratch.resolve("dom.html");
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/drive?" + query;
    Process browser =
        new ProcessBuilder(
                program.get().toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--user-data-dir=" + scratch.resolve("profile"),
                "--dump-dom",
                url)
            .redirectOutput(dom.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!browser.waitFor(90, TimeUnit.SECONDS)) {
      browser.destroyForcibly().waitFor();
    }
    String text = Files.readString(dom);
    assertThat(text).contains("data-seen=\"");
    String json = text.substring(text.indexOf("data-seen=\"") + 11);
    return JSON.readTree(
        URLDecoder.decode(json.substring(0, json.indexOf('"')), StandardCharsets.UTF_8));
  }

  @Test
  void nothingIsLoadedFromElsewhere() throws IOException {
    assertThat(resource("playground.html"))
        .contains("default-src 'none'", "connect-src 'self'")
        .doesNotContainPattern("(src|href)=\"https?:|@import|url\\(http");
  }

  @Test
  void aTextIsContinuedWithItsAlternatives() throws Exception {
    JsonNode seen = seen("prompt=High");
    assertThat(seen.get("ended").asText()).isEqualTo("stop");
    assertThat(seen.get("out").asText()).isEqualTo("High玉山 <b>\n3952。");
    assertThat(seen.get("tip").asText()).contains("玉山", "60.7 %", "other", "13.5 %");
    assertThat(seen.get("speed").asText()).startsWith("5 tokens · ").endsWith("ended by the model");
    assertThat(seen.get("error").asText()).isEmpty();
    assertThat(seen.get("running").asText()).isEqualTo("3");
    assertThat(seen.get("kv").asText()).isEqualTo("27 %");
    assertThat(seen.get("kept").asText()).isEqualTo("High");
    assertThat(seen.get("unlabelled")).isEmpty();
    JsonNode request = requests.getFirst();
    assertThat(request.get("logprobs").asInt()).isEqualTo(5);
    assertThat(request.get("temperature").asDouble()).isEqualTo(.7);
    assertThat(request.get("max_tokens").asInt()).isEqualTo(256);
    assertThat(request.has("top_k")).isFalse();
  }

  @Test
  void stoppingClosesTheConnection() throws Exception {
    JsonNode seen = seen("prompt=endless&stop");
    assertThat(seen.get("ended").asText()).isEqualTo("abort");
    assertThat(seen.get("out").asText()).startsWith("endless玉山");
    assertThat(seen.get("go").asText()).isEqualTo("Continue");
    assertThat(seen.get("error").asText()).isEmpty();
    left.get(20, TimeUnit.SECONDS);
  }

  @Test
  void whatTheServerRefusesIsShownInItsWords() throws Exception {
    JsonNode seen = seen("prompt=too+long");
    assertThat(seen.get("ended").asText()).isEqualTo("error");
    assertThat(seen.get("error").asText()).isEqualTo("9 tokens <i>");
    assertThat(seen.get("out").asText()).startsWith("The continuation appears here.");
    JsonNode chat = seen("prompt=too+long&chat");
    assertThat(chat.get("error").asText()).isEqualTo("9 tokens <i>");
    assertThat(chat.get("turns").asText()).isEmpty();
    assertThat(chat.get("message").asText()).as("to be sent again").isEqualTo("too long");
  }

  @Test
  void aConversationOnAPhoneInChinese() throws Exception {
    JsonNode seen = seen("prompt=Hi&chat&width=360px&lang=zh-TW&theme=dark");
    assertThat(seen.get("turns").asText()).isEqualTo("Hi玉山 <b>\n3952。");
    assertThat(seen.get("wide").asBoolean()).isFalse();
    assertThat(seen.get("go").asText()).isEqualTo("送出");
    assertThat(requests.getFirst().at("/messages/0/content").asText()).isEqualTo("Hi");
  }

  @Test
  void theShareThatIsLoadedIsShown() throws Exception {
    loading = true;
    assertThat(seen("loading").get("state").asText()).isEqualTo("loading 31 %");
  }

  @Test
  void withoutATemplateThereIsNoChat() throws Exception {
    hasTemplate = false;
    assertThat(seen("prompt=Hi").get("noChat").asBoolean()).isTrue();
  }
}
