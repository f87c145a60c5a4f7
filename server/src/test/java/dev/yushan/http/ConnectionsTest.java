package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.engine.EngineStats;
import dev.yushan.http.ServerConfig.Limits;
import dev.yushan.http.ServiceFixture.Extras;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Clients that do not behave, on raw sockets.
@Timeout(120)
class ConnectionsTest {
  private static final int BODY_LIMIT = 100_000;
  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture =
        ServiceFixture.start(
            c ->
                c.toBuilder()
                    .requestIdHeaders(false)
                    .logRequests(true)
                    .limits(
                        new Limits(
                            BODY_LIMIT,
                            BODY_LIMIT * 4L,
                            Duration.ofSeconds(3),
                            Duration.ofMillis(500),
                            Duration.ofMillis(500),
                            1 << 16,
                            1000,
                            1024))
                    .build(),
            Extras.NONE);
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  static Socket open(ServiceFixture fixture, int receiveBuffer) throws IOException {
    Socket socket = new Socket();
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.setSoTimeout(60_000);
    socket.connect(new InetSocketAddress("127.0.0.1", fixture.port()));
    return socket;
  }

  static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    socket.getOutputStream().flush();
  }

  private static String all(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  static String post(String body, String... headers) {
    return "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        + String.join("", headers)
        + "Content-Length: "
        + body.getBytes(StandardCharsets.UTF_8).length
        + "\r\n\r\n"
        + body;
  }

  /// Over a connection of its own: one that was kept from a request before may be closed at this
  /// moment, and no client sends a POST twice.
  private static HttpResponse<String> answer(String body) throws IOException {
    HttpRequest request =
        fixture
            .request("/v1/completions", "Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build();
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request, BodyHandlers.ofString());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void awaitIdle() {
    EngineStats stats = fixture.engine[0].stats();
    while (stats.running() + stats.waiting() > 0) {
      Thread.onSpinWait();
      stats = fixture.engine[0].stats();
    }
  }

  @Test
  void aClientThatGoesAwayEndsItsRequest() throws IOException {
    double aborted = aborted();
    for (boolean stream : new boolean[] {true, false}) {
      long before = fixture.engine[0].stats().outputTokens();
      try (Socket socket = open(fixture, 0)) {
        send(
            socket,
            post(
                "{\"prompt\":\"abc\",\"n\":16,\"max_tokens\":390,\"ignore_eos\":true,\"stream\":%s}"
                    .formatted(stream)));
        while (fixture.engine[0].stats().outputTokens() == before) {
          Thread.onSpinWait();
        }
      }
      awaitIdle();
      assertThat(fixture.engine[0].stats().outputTokens() - before).isLessThan(16 * 390L);
    }
    assertThat(aborted() - aborted).isEqualTo(32);
  }

  private static double aborted() {
    String line =
        fixture
            .get("/metrics")
            .body()
            .lines()
            .filter(l -> l.startsWith("vllm:request_success_total") && l.contains("\"abort\""))
            .findFirst()
            .orElseThrow();
    return Double.parseDouble(line.substring(line.lastIndexOf(' ')));
  }

  @Test
  void aReaderThatStopsIsDroppedAndOthersGoOn() throws IOException {
    try (Socket socket = open(fixture, 1024)) {
      send(
          socket,
          post(
              "{\"prompt\":\"abc\",\"n\":64,\"max_tokens\":390,\"ignore_eos\":true,\"stream\":true,\"logprobs\":20}"));
      assertThat(answer("{\"prompt\":\"a\",\"max_tokens\":3,\"ignore_eos\":true}").body())
          .contains("\"completion_tokens\":3");
      awaitIdle();
      while (!fixture.get("/load").body().contains(":0")) {
        Thread.onSpinWait();
      }
    }
    assertThat(fixture.get("/health").statusCode()).isEqualTo(200);
  }

  @Test
  void aBodyThatIsTooLargeIs413() throws IOException {
    String large = "{\"prompt\":\"" + "a".repeat(BODY_LIMIT) + "\"}";
    assertThat(answer(large).statusCode()).isEqualTo(413);
    try (Socket socket = open(fixture, 0)) {
      send(
          socket,
          "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
              + "Content-Length: 99999999999\r\n\r\n");
      assertThat(all(socket)).startsWith("HTTP/1.1 413 ").contains("larger than 100000 bytes");
    }
    try (Socket socket = open(fixture, 0)) {
      send(
          socket,
          "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
              + "Transfer-Encoding: chunked\r\n\r\n");
      String chunk = "4000\r\n" + "a".repeat(0x4000) + "\r\n";
      for (int i = 0; i < 10; i++) {
        send(socket, chunk);
      }
      assertThat(all(socket)).startsWith("HTTP/1.1 413 ");
    }
  }

  @Test
  void bodiesThatTakeAllRoomAre503UntilItIsFreeAgain() throws IOException {
    String large = post("{\"prompt\":\"" + "a".repeat(BODY_LIMIT - 20) + "\"}");
    List<Socket> others = new ArrayList<>();
    HttpResponse<String> answer;
    try {
      // A body that does not come on is forgotten half a second later: there is no moment at which
      // a given number of them is sure to hold the room.
      do {
        Socket socket = open(fixture, 0);
        others.add(socket);
        send(socket, large.substring(0, large.length() - 5));
        answer = answer(body(large));
      } while (answer.statusCode() == 400);
      assertThat(answer.statusCode()).as(answer.body()).isEqualTo(503);
      assertThat(answer.headers().firstValue("retry-after")).contains("1");
    } finally {
      for (Socket socket : others) {
        socket.close();
      }
    }
    do {
      answer = answer(body(large));
    } while (answer.statusCode() == 503);
    assertThat(answer.body()).contains("maximum context length");
  }

  private static String body(String request) {
    return request.substring(request.indexOf('{'));
  }

  @Test
  void aBodyThatDoesNotComeIs408() throws IOException {
    try (Socket socket = open(fixture, 0)) {
      String whole = post("{\"prompt\":\"a\"}");
      send(socket, whole.substring(0, whole.length() - 5));
      assertThat(all(socket)).startsWith("HTTP/1.1 408 ").contains("RequestTimeoutError");
    }
  }

  @Test
  void idleAndHalfSentConnectionsAreClosedAndDisturbNobody() throws IOException {
    List<Socket> idle = new ArrayList<>();
    try {
      for (int i = 0; i < 500; i++) {
        Socket socket = open(fixture, 0);
        send(socket, i % 2 == 0 ? "" : "POST /v1/completions HTTP/1.1\r\nHost: a\r\nX-");
        idle.add(socket);
      }
      assertThat(fixture.get("/health").statusCode()).isEqualTo(200);
      assertThat(answer("{\"prompt\":\"a\"}").statusCode()).isEqualTo(200);
      for (Socket socket : idle) {
        assertThat(socket.getInputStream().read()).isEqualTo(-1);
      }
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  @Test
  void requestsSentAheadAreAnsweredInOrder() throws IOException {
    try (Socket socket = open(fixture, 0)) {
      send(
          socket,
          post("{\"prompt\":\"abc\",\"max_tokens\":30,\"ignore_eos\":true,\"stream\":true}")
              + "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      String answers = all(socket);
      assertThat(answers.indexOf("data: [DONE]")).isPositive();
      assertThat(answers.indexOf("\"ready\"")).isGreaterThan(answers.indexOf("data: [DONE]"));
    }
  }

  @Test
  void clientsOfHttp10GetStreamsThatEndWithTheConnection() throws IOException {
    try (Socket socket = open(fixture, 0)) {
      String request =
          post("{\"prompt\":\"abc\",\"max_tokens\":5,\"stream\":true}")
              .replace("HTTP/1.1", "HTTP/1.0");
      send(socket, request);
      String answer = all(socket);
      assertThat(answer).contains("200 OK").doesNotContain("chunked");
      ServiceFixture.events(answer.substring(answer.indexOf("\r\n\r\n") + 4));
    }
  }

  /// What a proxy in front takes for one request could be two here.
  @Test
  void aHeadThatContradictsItselfIs400AndTheConnectionEnds() throws IOException {
    String smuggled = "GET /version HTTP/1.1\r\nHost: a\r\n\r\n";
    for (String method : List.of("POST /v1/completions", "GET /health")) {
      try (Socket socket = open(fixture, 0)) {
        send(
            socket,
            method
                + " HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 5\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                + smuggled);
        assertThat(all(socket))
            .startsWith("HTTP/1.1 400 ")
            .contains("both `Content-Length` and `Transfer-Encoding`")
            .containsOnlyOnce("HTTP/1.1");
      }
    }
    try (Socket socket = open(fixture, 0)) {
      send(socket, "GET /health HTTP/1.1\r\n\r\n" + smuggled);
      assertThat(all(socket)).startsWith("HTTP/1.1 400 ").contains("`Host`").contains("200 OK");
    }
    try (Socket socket = open(fixture, 0)) {
      send(socket, "GET /health HTTP/1.0\r\n\r\n");
      assertThat(all(socket)).contains("200 OK");
    }
  }

  @Test
  void aBodyMayBeAskedFor() throws IOException {
    try (Socket socket = open(fixture, 0)) {
      String request =
          post("{\"prompt\":\"a\"}", "Expect: 100-continue\r\n", "Connection: close\r\n");
      int body = request.indexOf("{");
      send(socket, request.substring(0, body));
      byte[] answer = socket.getInputStream().readNBytes(12);
      assertThat(new String(answer, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 100");
      send(socket, request.substring(body));
      assertThat(all(socket)).contains("HTTP/1.1 200 OK");
    }
  }
}
