package dev.yushan.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A server that speaks the protocol with texts that are known, and a browser before its page.
///
/// The prompt says how the server answers: `endless` never ends, `too long` is refused, `broken`
/// ends in the middle; everything else is continued with [#TOKENS].
final class PlaygroundFixture implements AutoCloseable {
  static final List<String> TOKENS = List.of("玉山", " <b>", "\n", "3952", "　。");

  private static final ObjectMapper JSON = new ObjectMapper();

  final List<JsonNode> requests = Collections.synchronizedList(new ArrayList<>());

  /// Done when a client has left a stream.
  final CompletableFuture<Void> left = new CompletableFuture<>();

  volatile String health = "{\"status\": \"ready\"}";
  volatile boolean hasTemplate = true;
  volatile Optional<String> key = Optional.empty();

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Visitor visitor;
  private final HttpServer server;
  private volatile CompletableFuture<String> seen = new CompletableFuture<>();
  private volatile boolean gone;

  PlaygroundFixture(Visitor visitor) throws IOException {
    this.visitor = visitor;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    try (exchange) {
      switch (path) {
        case "/" -> send(exchange, 200, "text/html", Page.text());
        case "/drive" -> send(exchange, 200, "text/html", driver());
        case "/seen" -> {
          String text = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
          send(exchange, 200, "text/plain", "");
          seen.complete(text);
        }
        case "/vanish" -> {
          gone = true;
          send(exchange, 200, "text/plain", "");
        }
        default -> {
          if (!gone) {
            api(exchange, path);
          }
        }
      }
    }
  }

  private void api(HttpExchange exchange, String path) throws IOException {
    boolean open = path.equals("/health");
    String given = exchange.getRequestHeaders().getFirst("Authorization");
    if (!open && key.isPresent() && !("Bearer " + key.get()).equals(given)) {
      send(exchange, 401, "application/json", "{\"error\": {\"message\": \"no key\"}}");
      return;
    }
    switch (path) {
      case "/health" ->
          send(exchange, health.contains("ready") ? 200 : 503, "application/json", health);
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
      default -> send(exchange, 404, "text/html", "<h1>not here</h1>");
    }
  }

  private void generate(HttpExchange exchange) throws IOException {
    JsonNode request = JSON.readTree(exchange.getRequestBody());
    requests.add(request);
    boolean chat = request.has("messages");
    JsonNode messages = request.path("messages");
    String prompt =
        chat
            ? messages.get(messages.size() - 1).get("content").asText()
            : request.get("prompt").asText();
    if (prompt.equals("too long")) {
      send(exchange, 400, "application/json", "{\"error\": {\"message\": \"9 tokens <i>\"}}");
      return;
    }
    exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
    exchange.sendResponseHeaders(200, 0);
    int count = prompt.equals("endless") ? Integer.MAX_VALUE : TOKENS.size();
    try {
      for (int i = 0; i < count; i++) {
        if (prompt.equals("broken") && i == 3) {
          return;
        }
        event(exchange, piece(TOKENS.get(i % TOKENS.size()), chat, i + 1 == count));
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
    exchange.getResponseBody().write(("data: " + data + "\n\n").getBytes(UTF_8));
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
      var others = scores.putArray("top_logprobs").addObject().put(token, -.5);
      others.put("other", -2.0).put("rare", -9.0);
    }
    var event = JSON.createObjectNode();
    event.putArray("choices").add(choice);
    return JSON.writeValueAsString(event);
  }

  private static void send(HttpExchange exchange, int status, String type, String body)
      throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static String driver() throws IOException {
    try (var in = PlaygroundFixture.class.getResourceAsStream("drive.html")) {
      return new String(in.readAllBytes(), UTF_8);
    }
  }

  /// What the page shows after a visit.
  ///
  /// @param visit what the visitor does: JavaScript with the hand of `drive.html`; what it returns
  ///   is `told`
  /// @param settings of `drive.html`, such as `lang=zh-TW`
  JsonNode seen(String visit, String... settings) throws Exception {
    seen = new CompletableFuture<>();
    String query = String.join("&", settings) + "&do=" + URLEncoder.encode(visit, UTF_8);
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/drive?" + query;
    visitor.visit(url + "&then=" + URLEncoder.encode(visitor.home(), UTF_8));
    try {
      return JSON.readTree(seen.get(90, TimeUnit.SECONDS));
    } catch (TimeoutException e) {
      visitor.leave();
      throw e;
    }
  }
}
