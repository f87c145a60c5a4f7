package dev.yushan.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.backend.Backends;
import dev.yushan.backend.testkit.DeferredBackend;
import io.vertx.core.http.HttpMethod;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What the service says of itself, against what it does: the OpenAPI document, the metrics, and
/// the reference page.
@Timeout(120)
class DescriptionTest {
  private static final Path PAGE = Path.of("../docs/reference/http.md");
  private static ServiceFixture fixture;

  @BeforeAll
  static void start() {
    fixture = ServiceFixture.start();
  }

  @AfterAll
  static void stop() {
    fixture.close();
  }

  private static JsonNode document() {
    return ServiceFixture.json(fixture.get("/openapi.json").body());
  }

  @Test
  void everyPathOfTheDocumentIsAnsweredByItsMethodsAndNoOther() {
    JsonNode paths = document().path("paths");
    assertThat(document().path("openapi").asText()).isEqualTo("3.1.0");
    assertThat(paths.properties()).isNotEmpty();
    for (var path : paths.properties()) {
      String actual = path.getKey().replace("{model}", ServiceFixture.MODEL);
      for (String method : List.of("GET", "POST", "PUT", "DELETE")) {
        HttpRequest request =
            fixture
                .request(actual, "Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString("[]"))
                .build();
        HttpResponse<String> response = fixture.send(request);
        String what = method + " " + actual + " " + response.body();
        JsonNode operation = path.getValue().path(method.toLowerCase(Locale.ROOT));
        if (operation.isMissingNode()) {
          assertThat(response.statusCode()).as(what).isEqualTo(405);
        } else if (operation.has("requestBody")) {
          assertThat(response.statusCode()).as(what).isEqualTo(400);
        } else if (!actual.equals("/")) {
          assertThat(response.statusCode()).as(what).isEqualTo(200);
        }
      }
    }
  }

  @Test
  void whatHealthAnswersIsInTheDocument() {
    JsonNode answer = document().at("/paths/~1health/get/responses/200/content/application~1json");
    assertThat(answer.at("/schema/$ref").asText()).isEqualTo("#/components/schemas/Health");
    JsonNode schema = document().at("/components/schemas/Health");
    JsonNode health = ServiceFixture.json(fixture.get("/health").body());
    assertThat(schema.path("properties").propertyStream().map(Map.Entry::getKey))
        .containsAll(health.propertyStream().map(Map.Entry::getKey).toList());
    schema.path("required").forEach(name -> assertThat(health.has(name.asText())).isTrue());
    assertThat(schema.at("/properties/status/enum"))
        .anyMatch(state -> state.equals(health.path("status")));
  }

  @Test
  void everyFieldOfTheDocumentIsKnownToItsHandlerAndRequiredOnesAreRequired() {
    for (var path : document().path("paths").properties()) {
      JsonNode schema = path.getValue().at("/post/requestBody/content/application~1json/schema");
      for (var field : schema.path("properties").properties()) {
        if (field.getValue().isEmpty() || !field.getValue().has("type")) {
          continue; // several types, or any
        }
        String wrong = field.getValue().path("type").asText().equals("object") ? "5" : "{\"a\":[]}";
        HttpResponse<String> response =
            fixture.post(path.getKey(), "{\"%s\":%s}".formatted(field.getKey(), wrong));
        assertThat(response.statusCode()).as(path.getKey() + field).isEqualTo(400);
        assertThat(ServiceFixture.json(response.body()).at("/error/param").asText())
            .isEqualTo(field.getKey());
      }
      for (JsonNode name : schema.path("required")) {
        HttpResponse<String> response = fixture.post(path.getKey(), "{}");
        assertThat(ServiceFixture.json(response.body()).at("/error/param").asText())
            .isEqualTo(name.asText());
      }
    }
  }

  /// The names that the panels of vLLM's dashboard ask for
  /// (`examples/observability/prometheus_grafana/grafana.json`).
  private static final List<String> DASHBOARD =
      List.of(
          "vllm:e2e_request_latency_seconds_bucket",
          "vllm:e2e_request_latency_seconds_sum",
          "vllm:e2e_request_latency_seconds_count",
          "vllm:prompt_tokens_total",
          "vllm:generation_tokens_total",
          "vllm:inter_token_latency_seconds_bucket",
          "vllm:inter_token_latency_seconds_sum",
          "vllm:inter_token_latency_seconds_count",
          "vllm:num_requests_running",
          "vllm:num_requests_waiting",
          "vllm:time_to_first_token_seconds_bucket",
          "vllm:time_to_first_token_seconds_sum",
          "vllm:time_to_first_token_seconds_count",
          "vllm:kv_cache_usage_perc",
          "vllm:request_prompt_tokens_bucket",
          "vllm:request_generation_tokens_bucket",
          "vllm:request_success_total",
          "vllm:request_queue_time_seconds_sum",
          "vllm:request_prefill_time_seconds_sum",
          "vllm:request_decode_time_seconds_sum",
          "vllm:request_max_num_generation_tokens_sum",
          "vllm:prompt_tokens_cached_total",
          "vllm:num_requests_waiting_by_reason",
          "vllm:cache_config_info");

  private static double value(String metrics, String name, String label) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(name + "{") && line.contains(label))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + name + " " + label));
  }

  @Test
  void metricsCountWhatWasDoneUnderTheNamesOfTheDashboard() {
    String before = settled(fixture).body();
    fixture.ok("/v1/completions", "{'prompt':[5,6,7],'max_tokens':9,'ignore_eos':true,'n':2}");
    HttpResponse<String> response = settled(fixture);
    String after = response.body();
    assertThat(response.headers().firstValue("content-type"))
        .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain"));
    for (String name : DASHBOARD) {
      value(after, name, "model_name=\"" + ServiceFixture.MODEL + "\"");
    }
    record Expected(String name, String label, double more) {}
    for (Expected expected :
        List.of(
            new Expected("vllm:request_success_total", "\"length\"", 2),
            new Expected("vllm:generation_tokens_total", "", 18),
            new Expected("vllm:request_prompt_tokens_sum", "", 6),
            new Expected("vllm:prompt_tokens_total", "", 6),
            new Expected("vllm:request_prompt_tokens_bucket", "le=\"2.0\"", 0),
            new Expected("vllm:request_prompt_tokens_bucket", "le=\"5.0\"", 2),
            new Expected("vllm:request_generation_tokens_sum", "", 18),
            new Expected("vllm:request_params_n_sum", "", 4),
            new Expected("vllm:request_params_max_tokens_sum", "", 18),
            new Expected("vllm:time_to_first_token_seconds_count", "", 2),
            new Expected("vllm:inter_token_latency_seconds_count", "", 16),
            new Expected("vllm:inter_token_latency_seconds_bucket", "le=\"80.0\"", 16),
            new Expected("vllm:e2e_request_latency_seconds_count", "", 2))) {
      assertThat(
              value(after, expected.name(), expected.label())
                  - value(before, expected.name(), expected.label()))
          .as(expected.toString())
          .isEqualTo(expected.more());
    }
    assertThat(
            value(
                after,
                "http_requests_total",
                "handler=\"/v1/completions\",method=\"POST\",status=\"2xx\""))
        .isPositive();
    // the first of the 9 tokens of a text comes of its prompt
    assertThat(
            value(after, "vllm:iteration_tokens_total_sum", "")
                - value(before, "vllm:iteration_tokens_total_sum", ""))
        .isEqualTo(
            16
                + value(after, "vllm:prompt_tokens_by_source_total", "local_compute")
                - value(before, "vllm:prompt_tokens_by_source_total", "local_compute"));
    assertThat(value(after, "yushan:device_sent_bytes_total", "")).isZero();
    assertThat(value(after, "yushan:device_fetched_bytes_total", "")).isZero();
    double seconds = value(after, "vllm:inter_token_latency_seconds_sum", "");
    double tokens = value(after, "vllm:inter_token_latency_seconds_count", "");
    double below = value(after, "vllm:inter_token_latency_seconds_bucket", "le=\"0.5\"");
    assertThat(below).as("%s s for %s tokens", seconds, tokens).isPositive();
  }

  /// On a device with memory of its own: the logits of each token come back, and little goes there.
  @Test
  void metricsCountTheBytesBetweenHostAndDevice() {
    ServiceFixture.Extras device =
        new ServiceFixture.Extras(
            () -> {},
            Optional.empty(),
            ServiceFixture.JSON.createObjectNode(),
            cpu -> Backends.checked(DeferredBackend.over(cpu)));
    try (ServiceFixture far = ServiceFixture.start(config -> config, device)) {
      String body = "{'prompt':[5,6,7],'max_tokens':9,'ignore_eos':true}";
      far.ok("/v1/completions", body);
      String before = settled(far).body();
      far.ok("/v1/completions", body);
      String after = settled(far).body();
      assertThat(more(before, after, "yushan:device_fetched_bytes_total")).isEqualTo(9 * 4 * 512);
      assertThat(more(before, after, "yushan:device_sent_bytes_total")).isBetween(9.0, 9 * 4096.0);
    }
  }

  /// The metrics when nothing is computed any more: an answer of several steps goes out before the
  /// last of them is counted.
  private static HttpResponse<String> settled(ServiceFixture fixture) {
    HttpResponse<String> metrics = fixture.get("/metrics");
    long end = System.nanoTime() + 10_000_000_000L;
    while (value(metrics.body(), "vllm:num_requests_running", "") > 0 && System.nanoTime() < end) {
      metrics = fixture.get("/metrics");
    }
    return metrics;
  }

  private static double more(String before, String after, String name) {
    return value(after, name, "") - value(before, name, "");
  }

  @Test
  void theVersionAndTheLoadAreTold() {
    assertThat(ServiceFixture.json(fixture.get("/version").body()).path("version").asText())
        .isNotEmpty();
    assertThat(ServiceFixture.json(fixture.get("/load").body()).path("server_load").asInt())
        .isZero();
  }

  /// Where the page differs the right tables lie in `target/http-tables.md`.
  @Test
  void theReferencePageHasTheTablesOfTheCode() throws IOException {
    String tables =
        "## Routes\n\n| route | key | what |\n|---|---|---|\n"
            + Route.ALL.stream().map(DescriptionTest::row).collect(Collectors.joining())
            + Stream.of(Route.COMPLETIONS, Route.CHAT, Route.TOKENIZE, Route.DETOKENIZE)
                .map(DescriptionTest::table)
                .collect(Collectors.joining());
    Files.createDirectories(Path.of("target"));
    Files.writeString(Path.of("target/http-tables.md"), tables);
    assertThat(Files.readString(PAGE)).contains(tables);
  }

  private static String row(Route route) {
    String method = route.method().equals(HttpMethod.GET) ? "GET" : "POST";
    return "| `%s %s` | %s | %s |\n"
        .formatted(method, route.path(), route.open() ? "no" : "yes", route.summary());
  }

  private static String table(Route route) {
    return "\n## Fields of `%s`\n\n| field | type | | what |\n|---|---|---|---|\n"
            .formatted(route.path())
        + route.fields().stream()
            .map(
                field ->
                    "| `%s` | %s | %s | %s |\n"
                        .formatted(
                            field.name(),
                            field.expected(),
                            field.use().name().toLowerCase(Locale.ROOT),
                            field.about()))
            .collect(Collectors.joining());
  }
}
