package dev.yushan.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.http.ServerConfig.Limits;
import dev.yushan.http.ServiceFixture.Extras;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Who may come in: keys, their limits, web pages, and the ids of requests.
@Timeout(120)
class AccessTest {
  private static final String BODY = "{\"prompt\":\"a\",\"max_tokens\":1}";
  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture =
        ServiceFixture.start(
            c ->
                c.toBuilder()
                    .apiKeys(List.of("first-key", "second key"))
                    .allowedOrigins(List.of("https://app.example"))
                    .requestIdHeaders(true)
                    .logRequests(true)
                    .limits(
                        new Limits(
                            1 << 20,
                            64 << 20,
                            Duration.ofSeconds(60),
                            Duration.ofSeconds(60),
                            Duration.ofSeconds(30),
                            1 << 16,
                            2,
                            64))
                    .build(),
            Extras.NONE);
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  private static int status(String path, String... headers) {
    return path.startsWith("/v1/completions")
        ? fixture.post(path, BODY, headers).statusCode()
        : fixture.get(path, headers).statusCode();
  }

  @Test
  void everythingButHealthNeedsOneOfTheKeys() {
    for (String path :
        List.of(
            "/v1/completions",
            "/v1/models",
            "/metrics",
            "/version",
            "/load",
            "/openapi.json",
            "/nowhere")) {
      assertThat(status(path)).as(path).isEqualTo(401);
      assertThat(status(path, "Authorization", "Bearer wrong")).as(path).isEqualTo(401);
      assertThat(status(path, "Authorization", "first-key")).as(path).isEqualTo(401);
      assertThat(status(path, "Authorization", "Bearer ")).as(path).isEqualTo(401);
      assertThat(status(path, "Authorization", "Bearer first-key")).as(path).isIn(200, 404);
    }
    assertThat(status("/health")).isEqualTo(200);
    assertThat(status("/ping")).isEqualTo(200);
    HttpResponse<String> stranger = fixture.get("/v1/models");
    assertThat(stranger.headers().firstValue("www-authenticate")).contains("Bearer");
    assertThat(ServiceFixture.json(stranger.body()).at("/error/code").asInt()).isEqualTo(401);
  }

  @Test
  void keysThatNoHeaderCanBringAreRefusedAtTheStart() {
    for (String key : List.of("鑰匙", "clé", "key\n", " key", "key ", "")) {
      assertThatThrownBy(
              () -> ServerConfig.of("m").toBuilder().apiKeys(List.of("fine", key)).build())
          .hasMessageContaining("--api-key must");
    }
    assertThat(status("/version", "Authorization", "Bearer second key")).isEqualTo(200);
  }

  @Test
  void aPageOfAnAllowedOriginMayReadAnswersOthersMayNot() {
    HttpResponse<String> allowed =
        fixture.post(
            "/v1/completions",
            BODY,
            "Authorization",
            "Bearer first-key",
            "Origin",
            "https://app.example");
    assertThat(allowed.headers().firstValue("access-control-allow-origin"))
        .contains("https://app.example");
    HttpResponse<String> other =
        fixture.post(
            "/v1/completions",
            BODY,
            "Authorization",
            "Bearer first-key",
            "Origin",
            "https://evil.example");
    assertThat(other.headers().firstValue("access-control-allow-origin")).isEmpty();
    assertThat(preflight("https://app.example").statusCode()).isEqualTo(204);
    assertThat(
            preflight("https://app.example").headers().firstValue("access-control-allow-headers"))
        .contains("authorization, x-stainless-os");
    assertThat(preflight("https://evil.example").statusCode()).isEqualTo(403);
  }

  /// The rest of a body that nobody reads is waited for, and then the connection ends; a preflight
  /// has none.
  @Test
  void aConnectionGoesOnUnlessItsBodyIsUnread() throws Exception {
    try (Socket socket = ConnectionsTest.open(fixture, 0);
        Socket unread = ConnectionsTest.open(fixture, 0)) {
      ConnectionsTest.send(
          unread, "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
      assertThat(new String(unread.getInputStream().readNBytes(12), UTF_8))
          .isEqualTo("HTTP/1.1 401");
      ConnectionsTest.send(unread, "{}");
      ConnectionsTest.send(
          socket,
          "OPTIONS /v1/completions HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n"
              + "Access-Control-Request-Method: POST\r\n\r\n");
      assertThat(new String(socket.getInputStream().readNBytes(12), UTF_8))
          .isEqualTo("HTTP/1.1 204");
      Thread.sleep(Exchange.LINGER_MILLIS + 200);
      unread.setSoTimeout(10_000); // it would be closed as an idle one much later
      assertThat(new String(unread.getInputStream().readAllBytes(), UTF_8))
          .contains("Connection: close");
      ConnectionsTest.send(socket, "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      assertThat(new String(socket.getInputStream().readAllBytes(), UTF_8))
          .contains("HTTP/1.1 200");
    }
  }

  /// Else whoever has no key could fill the memory with them.
  @Test
  void methodsThatAClientMakesUpAreCountedAsOne() {
    for (String method : List.of("FIRST", "SECOND")) {
      HttpRequest request =
          fixture.request("/nowhere").method(method, HttpRequest.BodyPublishers.noBody()).build();
      assertThat(fixture.send(request).statusCode()).isEqualTo(401);
    }
    String counted = "http_requests_total{handler=\"none\",method=\"%s\",status=\"4xx\"}";
    String metrics;
    do {
      metrics = fixture.get("/metrics", "Authorization", "Bearer first-key").body();
    } while (!metrics.contains(counted.formatted("other") + " 2")
        && !metrics.contains(counted.formatted("SECOND")));
    assertThat(metrics).doesNotContain("FIRST").doesNotContain("SECOND");
  }

  private static HttpResponse<String> preflight(String origin) {
    return fixture.send(
        fixture
            .request(
                "/v1/completions",
                "Origin",
                origin,
                "Access-Control-Request-Method",
                "POST",
                "Access-Control-Request-Headers",
                "authorization, x-stainless-os")
            .method("OPTIONS", HttpRequest.BodyPublishers.noBody())
            .build());
  }

  @Test
  void theIdOfARequestComesBackUnlessItIsUnfit() {
    HttpResponse<String> named =
        fixture.post(
            "/v1/completions", BODY, "Authorization", "Bearer first-key", "X-Request-Id", "my-id");
    assertThat(named.headers().firstValue("x-request-id")).contains("my-id");
    HttpResponse<String> inBody =
        fixture.post(
            "/v1/completions",
            BODY.replaceFirst("\\{", "{\"request_id\":\"body-id\","),
            "Authorization",
            "Bearer first-key");
    assertThat(inBody.headers().firstValue("x-request-id")).contains("body-id");
    assertThat(inBody.body()).contains("\"id\":\"cmpl-body-id\"");
    assertThat(ServiceFixture.json(named.body()).path("id").asText()).isEqualTo("cmpl-my-id");
    HttpResponse<String> unfit =
        fixture.post(
            "/v1/completions",
            BODY,
            "Authorization",
            "Bearer first-key",
            "X-Request-Id",
            "a b status=200");
    assertThat(unfit.headers().firstValue("x-request-id"))
        .hasValueSatisfying(id -> assertThat(id).matches("[0-9a-f]{32}"));
  }

  @Test
  void aKeyHasSoManyRequestsAtATime() {
    String body = "{\"prompt\":\"abc\",\"max_tokens\":200,\"ignore_eos\":true,\"n\":4}";
    HttpRequest request =
        fixture
            .request(
                "/v1/completions",
                "Authorization",
                "Bearer first-key",
                "Content-Type",
                "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    List<CompletableFuture<HttpResponse<String>>> two =
        List.of(
            fixture.client.sendAsync(request, BodyHandlers.ofString()),
            fixture.client.sendAsync(request, BodyHandlers.ofString()));
    while (!fixture.get("/load", "Authorization", "Bearer first-key").body().contains(":2")) {
      Thread.onSpinWait();
    }
    HttpResponse<String> third = fixture.send(request);
    assertThat(third.statusCode()).isEqualTo(429);
    assertThat(third.headers().firstValue("retry-after")).isPresent();
    two.forEach(answer -> assertThat(answer.join().statusCode()).isEqualTo(200));
    assertThat(status("/v1/completions", "Authorization", "Bearer first-key")).isEqualTo(200);
  }
}
