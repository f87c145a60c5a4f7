package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.http.ServiceFixture.Extras;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// From the first moment of the service to its last.
@Timeout(120)
class LifecycleTest {
  private static final String LONG =
      "{\"prompt\":\"abc\",\"max_tokens\":390,\"ignore_eos\":true,\"stream\":true}";

  private static UnaryOperator<ServerConfig> shutdown(Duration timeout) {
    return c -> c.toBuilder().shutdownTimeout(timeout).build();
  }

  @Test
  void whileLoadingHealthTellsTheProgressAndRequestsAre503() {
    CountDownLatch gate = new CountDownLatch(1);
    Extras slow =
        new Extras(() -> await(gate), Optional.empty(), ServiceFixture.JSON.createObjectNode());
    try (ServiceFixture fixture =
        ServiceFixture.loading(c -> c, ServiceFixture.engineConfig(4, 4), slow)) {
      HttpResponse<String> health = fixture.get("/health");
      assertThat(health.statusCode()).isEqualTo(503);
      assertThat(ServiceFixture.json(health.body()).path("status").asText()).isEqualTo("loading");
      HttpResponse<String> early = fixture.post("/v1/completions", "{\"prompt\":\"a\"}");
      assertThat(early.statusCode()).isEqualTo(503);
      assertThat(early.headers().firstValue("retry-after")).isPresent();
      assertThat(fixture.get("/v1/models").statusCode()).isEqualTo(503);
      assertThat(fixture.get("/metrics").statusCode()).isEqualTo(503);
      assertThat(fixture.get("/version").statusCode()).isEqualTo(200);
      while (!fixture.get("/health").body().contains("reading weights")) {
        Thread.onSpinWait();
      }
      // rounded down
      assertThat(ServiceFixture.json(fixture.get("/ping").body()).path("done").asDouble())
          .isEqualTo(0.123);
      gate.countDown();
      fixture.service.ready().join();
      assertThat(fixture.get("/health").statusCode()).isEqualTo(200);
      assertThat(ServiceFixture.json(fixture.get("/health").body()).has("done")).isFalse();
      assertThat(fixture.get("/ping").statusCode()).isEqualTo(200);
      assertThat(fixture.post("/ping", "").statusCode()).isEqualTo(200);
    }
  }

  private static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aModelThatCannotBeLoadedIsReported() {
    Extras broken =
        new Extras(
            () -> {
              throw new IllegalStateException("no such file");
            },
            Optional.empty(),
            ServiceFixture.JSON.createObjectNode());
    try (ServiceFixture fixture =
        ServiceFixture.loading(c -> c, ServiceFixture.engineConfig(4, 4), broken)) {
      assertThatThrownBy(() -> fixture.service.ready().join()).hasRootCauseMessage("no such file");
      HttpResponse<String> health = fixture.get("/health");
      assertThat(health.statusCode()).isEqualTo(503);
      assertThat(ServiceFixture.json(health.body()))
          .isEqualTo(
              ServiceFixture.json(
                  "{\"status\": \"failed\", \"progress\": \"failed: no such file\"}"));
    }
  }

  /// A driver that is interrupted throws whatever it likes.
  @Test
  void whatLoadingThrowsWhenItIsStoppedIsNoFailure() {
    CountDownLatch begun = new CountDownLatch(1);
    Extras interrupted =
        new Extras(
            () -> {
              begun.countDown();
              while (!Thread.interrupted()) {
                Thread.onSpinWait();
              }
              throw new IllegalStateException("of a driver");
            },
            Optional.empty(),
            ServiceFixture.JSON.createObjectNode());
    try (ServiceFixture fixture =
        ServiceFixture.loading(c -> c, ServiceFixture.engineConfig(4, 4), interrupted)) {
      await(begun);
      fixture.service.stop();
      assertThatThrownBy(() -> fixture.service.ready().join())
          .hasCauseInstanceOf(CancellationException.class);
    }
  }

  @Test
  void aTakenPortIsNamed() {
    try (ServiceFixture fixture = ServiceFixture.start()) {
      ServerConfig c = ServerConfig.of("a");
      ServerConfig same =
          c.toBuilder()
              .host("127.0.0.1")
              .port(fixture.port())
              .requestIdHeaders(false)
              .logRequests(false)
              .build();
      assertThatThrownBy(
              () ->
                  HttpService.start(
                      same,
                      progress -> {
                        throw new IllegalStateException();
                      }))
          .hasMessageContaining("cannot listen on 127.0.0.1:" + fixture.port());
    }
  }

  private static List<CompletableFuture<HttpResponse<String>>> streams(
      ServiceFixture fixture, int count) {
    List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      answers.add(
          fixture.client.sendAsync(
              fixture
                  .request("/v1/completions", "Content-Type", "application/json")
                  .POST(java.net.http.HttpRequest.BodyPublishers.ofString(LONG))
                  .build(),
              BodyHandlers.ofString()));
    }
    while (fixture.engine[0].stats().running() < Math.min(count, 4)) {
      Thread.onSpinWait();
    }
    return answers;
  }

  @Test
  void stoppingFinishesEveryStreamThatWasTaken() throws Exception {
    ServiceFixture fixture = ServiceFixture.start(shutdown(Duration.ofSeconds(60)), Extras.NONE);
    var answers = streams(fixture, 8);
    while (!ServiceFixture.json(fixture.get("/load").body())
        .path("server_load")
        .toString()
        .equals("8")) {
      Thread.onSpinWait();
    }
    CompletableFuture<Boolean> stopped = CompletableFuture.supplyAsync(fixture.service::stop);
    for (var answer : answers) {
      List<JsonNode> events = ServiceFixture.events(answer.get(60, TimeUnit.SECONDS).body());
      assertThat(events.getLast().at("/choices/0/finish_reason").asText()).isEqualTo("length");
    }
    assertThat(stopped.get(60, TimeUnit.SECONDS)).isTrue();
    fixture.client.close();
  }

  @Test
  void whatIsNotDoneInTimeEndsProperlyAllTheSame() throws Exception {
    ServiceFixture fixture = ServiceFixture.start(shutdown(Duration.ZERO), Extras.NONE);
    var answers = streams(fixture, 4);
    assertThat(fixture.service.stop()).isFalse();
    for (var answer : answers) {
      List<JsonNode> events = ServiceFixture.events(answer.get(60, TimeUnit.SECONDS).body());
      assertThat(events.getLast().at("/choices/0/finish_reason").asText()).isEqualTo("abort");
    }
    assertThat(fixture.service.stop()).isTrue();
    fixture.client.close();
  }

  @Test
  void aFullQueueIs429() {
    try (ServiceFixture fixture =
        ServiceFixture.loading(c -> c, ServiceFixture.engineConfig(2, 1), Extras.NONE)) {
      fixture.service.ready().join();
      var begun = streams(fixture, 2);
      HttpResponse<String> response = fixture.post("/v1/completions", "{\"prompt\":\"a\",\"n\":3}");
      assertThat(response.statusCode()).isEqualTo(429);
      assertThat(response.headers().firstValue("retry-after")).isPresent();
      begun.forEach(CompletableFuture::join);
      // none of the three was kept
      while (fixture.engine[0].stats().running() > 0) {
        Thread.onSpinWait();
      }
      assertThat(fixture.post("/v1/completions", "{\"prompt\":\"a\",\"n\":3}").statusCode())
          .isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anEngineThatFailsDoesNotSayThatItIsDone(boolean stream) {
    try (ServiceFixture fixture = ServiceFixture.start()) {
      fixture.engine[0].onStep(
          tokens -> {
            throw new AssertionError("thrown by a test");
          });
      HttpResponse<String> answer =
          fixture.post("/v1/completions", "{\"prompt\":\"a\",\"stream\":%s}".formatted(stream));
      assertThat(answer.statusCode()).isEqualTo(stream ? 200 : 500);
      assertThat(answer.body())
          .contains("InternalServerError", "start the server again")
          .doesNotContain("abort");
      assertThat(fixture.get("/health").statusCode()).isEqualTo(503);
    }
  }

  @Test
  void aRequestThatTakesTooLongEndsWithWhatItHas() {
    try (ServiceFixture fixture =
        ServiceFixture.start(
            c ->
                c.toBuilder()
                    .requestTimeout(Optional.of(Duration.ofNanos(1)))
                    .requestIdHeaders(false)
                    .logRequests(true)
                    .build(),
            Extras.NONE)) {
      JsonNode answer =
          fixture.ok("/v1/completions", "{'prompt':'abc','max_tokens':380,'ignore_eos':true}");
      assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo("abort");
    }
  }
}
