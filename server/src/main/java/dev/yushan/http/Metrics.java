package dev.yushan.http;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import dev.yushan.engine.Completion;
import dev.yushan.engine.Engine;
import dev.yushan.engine.EngineConfig;
import dev.yushan.engine.EngineStats;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/// The metrics of vLLM, under its names, labels and buckets (`vllm/v1/metrics/loggers.py`), and
/// what goes between host and device, under names of our own.
final class Metrics implements AutoCloseable {
  private static final double NANOS = 1e9;

  /// Names whose last word Prometheus keeps for counters and the like get it when they are written.
  private static final String STEP_TOKENS = "vllm:iteration_tokens";

  private static final String CACHE_CONFIG = "vllm:cache_config";

  /// Those that a client makes up are counted as one: a meter stays as long as the server.
  private static final Set<String> METHODS =
      Stream.concat(
              Route.ALL.stream().map(route -> route.method().name()), Stream.of("HEAD", "OPTIONS"))
          .collect(Collectors.toUnmodifiableSet());

  private static final double[] FIRST_TOKEN = {
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
    80, 160, 640, 2560
  };
  private static final double[] TOKEN = {
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80
  };
  private static final double[] REQUEST = {
    0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
  };
  private static final double[] STEP = {
    1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384
  };
  private static final double[] N = {1, 2, 5, 10, 20};

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final List<Tag> tags;
  private final Engine engine;
  private final Timer firstToken;
  private final Timer interToken;
  private final Timer perOutputToken;
  private final Timer perRequestToken;
  private final Timer endToEnd;
  private final Timer queue;
  private final Timer inference;
  private final Timer prefill;
  private final Timer decode;
  private final DistributionSummary promptTokens;
  private final DistributionSummary outputTokens;
  private final DistributionSummary mostOutputTokens;
  private final DistributionSummary paramN;
  private final DistributionSummary paramMaxTokens;
  private final Map<Completion.Reason, Counter> ends = new EnumMap<>(Completion.Reason.class);

  Metrics(Engine engine, String modelName) {
    this.engine = engine;
    this.tags = List.of(Tag.of("model_name", modelName), Tag.of("engine", "0"));
    double[] lengths = oneTwoFive(engine.config().maxModelLen());
    firstToken = timer("time_to_first_token_seconds", FIRST_TOKEN, "Time to the first token.");
    interToken = timer("inter_token_latency_seconds", TOKEN, "Time between tokens.");
    perOutputToken =
        timer("time_per_output_token_seconds", TOKEN, "Older name of inter_token_latency.");
    perRequestToken =
        timer(
            "request_time_per_output_token_seconds",
            TOKEN,
            "Mean time between tokens of a request.");
    endToEnd = timer("e2e_request_latency_seconds", REQUEST, "From arrival to end.");
    queue = timer("request_queue_time_seconds", REQUEST, "Waiting to be computed.");
    inference = timer("request_inference_time_seconds", REQUEST, "Prefill and decode.");
    prefill = timer("request_prefill_time_seconds", REQUEST, "Computing the prompt.");
    decode = timer("request_decode_time_seconds", REQUEST, "From first token to last.");
    promptTokens = histogram("request_prompt_tokens", lengths, "Tokens of prompts.");
    outputTokens = histogram("request_generation_tokens", lengths, "Tokens written.");
    mostOutputTokens =
        histogram("request_max_num_generation_tokens", lengths, "Tokens written, at most, of n.");
    paramN = histogram("request_params_n", N, "The parameter n.");
    paramMaxTokens = histogram("request_params_max_tokens", lengths, "The parameter max_tokens.");
    DistributionSummary step = histogram(STEP_TOKENS.substring(5), STEP, "Tokens of a step.");
    engine.onStep(step::record);
    for (Completion.Reason reason : Completion.Reason.values()) {
      ends.put(
          reason,
          Counter.builder("vllm:request_success")
              .description("Requests that ended.")
              .tags(tags)
              .tag("finished_reason", Reply.reason(reason))
              .register(registry));
    }
    gauges();
  }

  private void gauges() {
    gauge("num_requests_running", EngineStats::running, "Requests that are computed.");
    gauge("num_requests_waiting", EngineStats::waiting, "Requests that wait.");
    cacheConfig();
    waiting("capacity", EngineStats::waiting);
    waiting("deferred", stats -> 0);
    gauge("kv_cache_usage_perc", EngineStats::kvUsage, "Share of the KV cache in use, 0 to 1.");
    gauge("gpu_cache_usage_perc", EngineStats::kvUsage, "Older name of kv_cache_usage_perc.");
    counter("prefix_cache_queries", EngineStats::prefixQueries, "Prompt tokens looked up.");
    counter("prefix_cache_hits", EngineStats::prefixHits, "Prompt tokens found computed.");
    counter("gpu_prefix_cache_queries", EngineStats::prefixQueries, "Older name.");
    counter("gpu_prefix_cache_hits", EngineStats::prefixHits, "Older name.");
    counter("num_preemptions", EngineStats::preemptions, "Requests that had to make room.");
    counter("prompt_tokens", EngineStats::promptTokens, "Tokens of prompts that were begun.");
    counter("prompt_tokens_cached", EngineStats::cachedTokens, "Of them, those found computed.");
    promptTokens("local_compute", stats -> stats.promptTokens() - stats.cachedTokens());
    promptTokens("local_cache_hit", EngineStats::cachedTokens);
    counter("generation_tokens", EngineStats::outputTokens, "Tokens written.");
    own("device_launches", EngineStats::launches, "Kernels started on the device.");
    own("device_sent_bytes", EngineStats::bytesSent, "Bytes of tensors sent to the device.");
    own("device_fetched_bytes", EngineStats::bytesFetched, "Bytes of tensors it sent back.");
    own("device_parameter_bytes", EngineStats::parameterBytes, "Bytes of parameters of kernels.");
  }

  private void waiting(String reason, ToDoubleFunction<EngineStats> value) {
    Gauge.builder(
            "vllm:num_requests_waiting_by_reason", engine, e -> value.applyAsDouble(e.stats()))
        .description("Requests that wait: for room, or (none here) for something else.")
        .tags(tags)
        .tag("reason", reason)
        .register(registry);
  }

  private void promptTokens(String source, ToDoubleFunction<EngineStats> value) {
    FunctionCounter.builder(
            "vllm:prompt_tokens_by_source", engine, e -> value.applyAsDouble(e.stats()))
        .description("Tokens of prompts, by where their keys and values came from.")
        .tags(tags)
        .tag("source", source)
        .register(registry);
  }

  /// What the cache is, as labels of a 1.
  private void cacheConfig() {
    EngineConfig config = engine.config();
    Gauge.builder(CACHE_CONFIG, () -> 1)
        .description("The KV cache.")
        .tags(tags)
        .tag("block_size", Integer.toString(engine.pageLength()))
        .tag("num_gpu_blocks", Integer.toString(engine.pages()))
        .tag("cache_dtype", config.kvCacheType())
        .tag("enable_prefix_caching", config.prefixCaching() ? "True" : "False")
        .register(registry);
  }

  private void gauge(String name, ToDoubleFunction<EngineStats> value, String about) {
    Gauge.builder("vllm:" + name, engine, e -> value.applyAsDouble(e.stats()))
        .description(about)
        .tags(tags)
        .register(registry);
  }

  private void counter(String name, ToDoubleFunction<EngineStats> value, String about) {
    named("vllm:" + name, value, about);
  }

  private void own(String name, ToDoubleFunction<EngineStats> value, String about) {
    named("yushan:" + name, value, about);
  }

  private void named(String name, ToDoubleFunction<EngineStats> value, String about) {
    FunctionCounter.builder(name, engine, e -> value.applyAsDouble(e.stats()))
        .description(about)
        .tags(tags)
        .register(registry);
  }

  /// A timer, as summaries round what they take to whole numbers.
  private Timer timer(String name, double[] buckets, String about) {
    return Timer.builder("vllm:" + name)
        .description(about)
        .tags(tags)
        .serviceLevelObjectives(
            DoubleStream.of(buckets)
                .mapToObj(seconds -> Duration.ofNanos(Math.round(seconds * NANOS)))
                .toArray(Duration[]::new))
        .register(registry);
  }

  private DistributionSummary histogram(String name, double[] buckets, String about) {
    return DistributionSummary.builder("vllm:" + name)
        .description(about)
        .tags(tags)
        .serviceLevelObjectives(buckets)
        .register(registry);
  }

  /// 1, 2, 5, 10, 20, … up to `max`.
  private static double[] oneTwoFive(int max) {
    List<Double> values = new ArrayList<>();
    for (double power = 1; power <= max; power *= 10) {
      for (int times : new int[] {1, 2, 5}) {
        if (times * power <= max) {
          values.add(times * power);
        }
      }
    }
    return values.stream().flatMapToDouble(DoubleStream::of).toArray();
  }

  void firstToken(long nanos) {
    firstToken.record(nanos, NANOSECONDS);
  }

  void betweenTokens(long nanos) {
    interToken.record(nanos, NANOSECONDS);
    perOutputToken.record(nanos, NANOSECONDS);
  }

  /// A request of the engine ended.
  void ended(Completion done, int n, int maxTokens) {
    ends.get(done.reason()).increment();
    Completion.Timings at = done.timings();
    endToEnd.record(at.ended() - at.arrived(), NANOSECONDS);
    promptTokens.record(done.promptTokens());
    outputTokens.record(done.outputTokens());
    mostOutputTokens.record(done.outputTokens());
    paramN.record(n);
    paramMaxTokens.record(maxTokens);
    if (done.outputTokens() > 0) {
      queue.record(at.scheduled() - at.arrived(), NANOSECONDS);
      inference.record(at.ended() - at.scheduled(), NANOSECONDS);
      prefill.record(at.firstToken() - at.scheduled(), NANOSECONDS);
      decode.record(at.ended() - at.firstToken(), NANOSECONDS);
    }
    if (done.outputTokens() > 1) {
      perRequestToken.record(
          (at.ended() - at.firstToken()) / (done.outputTokens() - 1), NANOSECONDS);
    }
  }

  /// An answer was given, or its client had left.
  ///
  /// @param handler the path of its route, `none` for what is none
  void answered(String method, String handler, int status) {
    Counter.builder("http_requests")
        .description("Requests by method, status and handler.")
        .tag("method", METHODS.contains(method) ? method : "other")
        .tag("handler", handler)
        .tag("status", status / 100 + "xx")
        .register(registry)
        .increment();
  }

  /// The text that Prometheus reads.
  String scrape() {
    return registry
        .scrape()
        .replace(STEP_TOKENS, STEP_TOKENS + "_total")
        .replace(CACHE_CONFIG, CACHE_CONFIG + "_info");
  }

  @Override
  public void close() {
    registry.close();
  }
}
