package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Bodies that are refused before anybody looks at their fields.
@Timeout(120)
class BodyTest {
  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture = ServiceFixture.start();
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  @Test
  void aBodyOfVeryManyValuesIsNotReadToItsEnd() {
    String prompts = "\"a\",".repeat(1_100_000);
    String body = "{\"prompt\":[" + prompts + "\"a\"]}";
    assertThat(fixture.error("/v1/completions", body, 400).path("message").asText())
        .contains("the body is more than is read", "1048576");
  }

  static Stream<byte[]> noJson() {
    return Stream.of(
            "",
            "{",
            "{\"prompt\":\"a\"} {}",
            "[1]",
            "\"prompt\"",
            "null",
            "{\"prompt\":NaN}",
            "{'prompt':'a'}",
            "{\"prompt\":\"a\u0000\"",
            "[".repeat(100_000),
            "{\"prompt\":" + "[".repeat(2000) + "]".repeat(2000) + "}",
            "{\"prompt\":\"a\",\"seed\":" + "9".repeat(2000) + "}")
        .map(text -> text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void whatIsWrongWithJsonIsSaidWithoutWordsOfItsReader() {
    for (byte[] body : noJson().toList()) {
      assertThat(ServiceFixture.error(postBytes(body), 400).path("message").asText())
          .doesNotContain("Feature", "Constraints", "REDACTED");
    }
  }

  @ParameterizedTest
  @MethodSource("noJson")
  void whatIsNoJsonIs400(byte[] body) throws Exception {
    ServiceFixture.error(postBytes(body), 400);
  }

  @Test
  void bytesThatAreNoUtf8Are400() throws Exception {
    ServiceFixture.error(
        postBytes(new byte[] {'{', '"', (byte) 0xff, (byte) 0xc0, '"', ':', '1', '}'}), 400);
    ServiceFixture.error(
        postBytes("{\"prompt\":\"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1)), 400);
  }

  private static HttpResponse<String> postBytes(byte[] body) {
    return fixture.send(
        fixture
            .request("/v1/completions")
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofByteArray(body))
            .build());
  }

  @Test
  void otherTypesOfBodiesAreRefused() {
    HttpResponse<String> response =
        fixture.send(
            fixture
                .request("/v1/completions", "Content-Type", "text/plain")
                .POST(BodyPublishers.ofString("{\"prompt\":\"a\"}"))
                .build());
    assertThat(ServiceFixture.error(response, 400).path("message").asText())
        .contains("application/json");
    HttpResponse<String> latin =
        fixture.send(
            fixture
                .request("/v1/completions", "Content-Type", "application/json; charset=\"latin1\"")
                .POST(BodyPublishers.ofString("{\"prompt\":\"a\"}"))
                .build());
    assertThat(ServiceFixture.error(latin, 415).path("message").asText())
        .contains("in UTF-8, not in latin1");
    HttpResponse<String> packed =
        fixture.post("/v1/completions", "abc", "Content-Encoding", "gzip");
    assertThat(ServiceFixture.error(packed, 415).path("message").asText())
        .contains("Content-Encoding");
  }
}
