package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.http.ServerConfig.Limits;
import dev.yushan.http.ServiceFixture.Extras;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Damaged requests from a printed seed: each is answered with a proper status or a close, never a
/// 5xx, and the service works as before afterwards.
@Timeout(120)
class FuzzTest {
  private static final int ROUNDS = 120;
  private static final List<String> PATHS =
      List.of(
          "/v1/completions",
          "/v1/chat/completions",
          "/tokenize",
          "/detokenize",
          "/v1/models/",
          "/v1/models/../../etc/passwd",
          "/v1/models/%2e%2e%2f%2e%2e%2fetc",
          "/v1/models/%00",
          "/v1/models/%zz",
          "/v1/models/\u00e9",
          "//",
          "/..",
          "/metrics/../health",
          "/?a=" + "b".repeat(5000),
          "*",
          "http://other/health",
          "/" + "x".repeat(20_000));
  private static final List<String> BODIES =
      List.of(
          "{\"prompt\":\"abc\",\"max_tokens\":3}",
          "{\"prompt\":[1,2,3],\"max_tokens\":3,\"stream\":true,\"logprobs\":2}",
          "{\"prompt\":[\"a\",\"\u7389\u5c71\"],\"n\":2,\"max_tokens\":2,\"echo\":true}",
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}",
          "{\"tokens\":[1,2,3]}",
          "{\"prompt\":\"abc\",\"stop\":[\"a\",\"b\"],\"logit_bias\":{\"5\":1}}");
  private static final List<String> SNIPPETS =
      List.of(
          "[[[[",
          "}}",
          "\"",
          "\\u0000",
          "\\ud800",
          "1e999",
          "-",
          "null",
          ":",
          "\r\n\r\n",
          "\u0000",
          "{\"a\":",
          "99999999999999999999",
          "true",
          "\ufeff",
          "%n%s",
          "\n");

  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture =
        ServiceFixture.start(
            c ->
                c.toBuilder()
                    .requestIdHeaders(true)
                    .logRequests(true)
                    .limits(
                        new Limits(
                            50_000,
                            64 << 20,
                            Duration.ofMillis(400),
                            Duration.ofMillis(200),
                            Duration.ofMillis(500),
                            10_000,
                            1000,
                            64))
                    .build(),
            Extras.NONE);
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  private static <T> T pick(Random random, List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  private static byte[] request(Random random) {
    byte[] body = damaged(random, pick(random, BODIES).getBytes(StandardCharsets.UTF_8), 2);
    String length =
        random.nextInt(8) == 0
            ? pick(random, List.of("-1", "x", "99999999999", "5"))
            : "" + body.length;
    String type = random.nextInt(8) == 0 ? "text/html" : "application/json; charset=utf-8";
    String head =
        "%s %s HTTP/1.%d\r\nHost: a\r\nContent-Type: %s\r\nX-Request-Id: %s\r\nConnection: close\r\nContent-Length: %s\r\n\r\n"
            .formatted(
                random.nextInt(6) == 0
                    ? pick(random, List.of("GET", "PUT", "CONNECT", "{}", "PRI"))
                    : "POST",
                pick(random, random.nextBoolean() ? PATHS : PATHS.subList(0, 4)),
                random.nextInt(2),
                type,
                pick(random, List.of("a", "", "x".repeat(500), "a\u00e9", "%s")),
                length);
    byte[] start = head.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(random.nextInt(4) == 0 ? damaged(random, start, 1) : start);
    all.writeBytes(body);
    byte[] bytes = all.toByteArray();
    // some are cut off anywhere
    return random.nextInt(5) == 0
        ? java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length + 1))
        : bytes;
  }

  private static byte[] damaged(Random random, byte[] bytes, int most) {
    byte[] damaged = bytes;
    for (int i = random.nextInt(most + 1); i > 0; i--) {
      int at = random.nextInt(damaged.length);
      if (random.nextBoolean()) {
        damaged = damaged.clone();
        damaged[at] = (byte) random.nextInt(256);
      } else {
        ByteArrayOutputStream longer = new ByteArrayOutputStream();
        longer.write(damaged, 0, at);
        longer.writeBytes(pick(random, SNIPPETS).getBytes(StandardCharsets.UTF_8));
        longer.write(damaged, at, damaged.length - at);
        damaged = longer.toByteArray();
      }
    }
    return damaged;
  }

  @Test
  void damagedRequestsNeverBreakIt() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String expected =
        fixture
            .ok("/v1/completions", "{'prompt':'abc','temperature':0}")
            .at("/choices/0/text")
            .asText();
    for (int i = 0; i < ROUNDS; i++) {
      byte[] request = request(random);
      String what =
          "seed %d, round %d: %s"
              .formatted(seed, i, new String(request, StandardCharsets.ISO_8859_1));
      String answer = answer(request, random.nextInt(10) == 0);
      if (!answer.isEmpty()) {
        // to a version of HTTP that there is not Vert.x says 501, or 400, in that version
        assertThat(answer)
            .as(what)
            .matches("(?s)(HTTP/1\\.[01] [1-4][0-9][0-9]|\\S+ (400|501)) .*");
      }
    }
    assertThat(
            fixture
                .ok("/v1/completions", "{'prompt':'abc','temperature':0}")
                .at("/choices/0/text")
                .asText())
        .as("seed %d", seed)
        .isEqualTo(expected);
    while (fixture.engine[0].stats().running() > 0 || !fixture.get("/load").body().contains(":0")) {
      Thread.onSpinWait();
    }
  }

  /// What came back, up to the close; nothing where the client goes away first.
  private static String answer(byte[] request, boolean leave) throws IOException {
    try (Socket socket = ConnectionsTest.open(fixture, 0)) {
      socket.getOutputStream().write(request);
      socket.getOutputStream().flush();
      return leave
          ? ""
          : new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (SocketException e) {
      return ""; // reset while it wrote, or while we did
    }
  }

  @Test
  void aStreamMayBeLeftAtEachOfItsFirstBytes() throws IOException {
    String request =
        ConnectionsTest.post(
            "{\"prompt\":\"abc\",\"max_tokens\":50,\"ignore_eos\":true,\"stream\":true}");
    for (int bytes = 0; bytes < 400; bytes += 7) {
      try (Socket socket = ConnectionsTest.open(fixture, 0)) {
        ConnectionsTest.send(socket, request);
        socket.getInputStream().readNBytes(bytes);
      }
    }
    while (fixture.engine[0].stats().running() > 0 || !fixture.get("/load").body().contains(":0")) {
      Thread.onSpinWait();
    }
    assertThat(fixture.get("/health").statusCode()).isEqualTo(200);
  }
}
