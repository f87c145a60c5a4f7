package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.engine.Engine;
import dev.yushan.engine.EngineConfig;
import dev.yushan.engine.EngineStats;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Measures the service on a model of random weights by HTTP clients on the loopback: tokens a
/// second and time to the first token of so many streams at once, then how much a long prompt that
/// joins delays the streams that run. From the root of the checkout:
///
/// ```
/// mvn -q -Pbench-serve -DskipTests -pl server -am test -Dbench.arguments="docs/examples/1b-step/config.json BF16 1,8,16,32,64 96"
/// ```
final class ServeBench {
  private static final int PROMPT = 32;
  private static final int JOINING = 2000;

  /// Tokens of each stream before measuring, to have what it takes compiled.
  private static final int WARM_UP = 32;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient client = HttpClient.newHttpClient();
  private final Random random = new Random(1);
  private final HttpService service;
  private final Engine engine;

  /// Operations of a token, without attention, and what the machine does a second at most.
  private final double flops;

  private final double peak;

  /// A stream: when each event came.
  private static final class Reading {
    private final List<Long> times = new ArrayList<>();
    private final long start = System.nanoTime();
    private CompletableFuture<Integer> tokens;

    private synchronized void event() {
      times.add(System.nanoTime());
    }

    private synchronized List<Long> times() {
      return List.copyOf(times);
    }

    double firstMillis() {
      return (times().getFirst() - start) / 1e6;
    }
  }

  private ServeBench(HttpService service, Engine engine, double flops, double peak) {
    this.service = service;
    this.engine = engine;
    this.flops = flops;
    this.peak = peak;
  }

  public static void main(String[] args) throws Exception {
    ObjectNode config = (ObjectNode) JSON.readTree(Path.of(args[0]).toFile());
    DType weights = DType.valueOf(args[1]);
    int[] streams = Arrays.stream(args[2].split(",")).mapToInt(Integer::parseInt).toArray();
    int tokens = Integer.parseInt(args[3]);
    Backend backend =
        Backends.open(Optional.empty(), new BackendOptions(0, Optional.empty(), Map.of()));
    CausalLM model = Models.create(backend, config, weights, false, 1);
    model.freeze(backend);
    // a multiply-add of each weight, the head included, which is the embedding or as large
    double flops = 2.0 * model.parameters().stream().mapToLong(p -> p.value().elements()).sum();
    double peak = backend.measureFlops();
    try (HttpService service = HttpService.start(config(), progress -> load(backend, model))) {
      Engine engine = service.ready().get().engine();
      ServeBench bench = new ServeBench(service, engine, flops, peak);
      for (int count : streams) {
        bench.read(count, WARM_UP);
        bench.throughput(count, tokens);
      }
      bench.joining(8);
    }
  }

  private static ServerConfig config() {
    ServerConfig all = ServerConfig.of("bench");
    return all.toBuilder()
        .host("localhost")
        .port(0)
        .requestIdHeaders(false)
        .logRequests(false)
        .build();
  }

  private static LoadedModel load(Backend backend, CausalLM model) {
    Tokenizer tokenizer = bytes();
    EngineConfig limits =
        new EngineConfig(
            Math.min(4096, model.config().maxPositions()),
            64,
            512,
            2L << 30,
            DType.F32,
            true,
            1000);
    Engine engine = new Engine(backend, model, tokenizer, limits);
    return new LoadedModel(
        engine,
        tokenizer,
        "random",
        JSON.createObjectNode(),
        Optional.empty(),
        Optional.empty(),
        () -> {
          engine.close();
          model.close();
          backend.close();
        });
  }

  /// A tokenizer of bytes: prompts are ids, and the texts of the continuations do not matter.
  private static Tokenizer bytes() {
    try {
      Path directory = Files.createTempDirectory("tokenizer");
      BpeTrainer.train(
          Stream.<String>empty().iterator(), BpeTrainer.Options.ofVocabSize(258), directory);
      return Tokenizers.load(directory);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private Reading stream(int prompt, int tokens) {
    Map<String, Object> body =
        Map.of(
            "model",
            "bench",
            "prompt",
            random.ints(prompt, 3, 250).toArray(),
            "max_tokens",
            tokens,
            "temperature",
            0,
            "ignore_eos",
            true,
            "stream",
            true,
            // an event for each token, whether it has text or not
            "return_token_ids",
            true,
            "stream_options",
            Map.of("include_usage", true));
    Reading reading = new Reading();
    try {
      HttpRequest request =
          HttpRequest.newBuilder(
                  URI.create("http://localhost:" + service.port() + "/v1/completions"))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(body)))
              .build();
      reading.tokens =
          client
              .sendAsync(request, HttpResponse.BodyHandlers.ofLines())
              .thenApplyAsync(answer -> read(answer.body(), reading), Thread::startVirtualThread);
      return reading;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static int read(Stream<String> lines, Reading reading) {
    int[] tokens = new int[1];
    lines
        .filter(line -> line.startsWith("data: {"))
        .forEach(
            line -> {
              try {
                JsonNode event = JSON.readTree(line.substring(6));
                if (event.path("choices").isEmpty()) {
                  tokens[0] = event.at("/usage/completion_tokens").asInt();
                } else {
                  reading.event();
                }
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    return tokens[0];
  }

  private List<Reading> read(int count, int tokens) {
    List<Reading> readings =
        IntStream.range(0, count).mapToObj(i -> stream(PROMPT, tokens)).toList();
    for (Reading reading : readings) {
      if (reading.tokens.join() != tokens) {
        throw new IllegalStateException("a stream has not all its tokens");
      }
    }
    return readings;
  }

  private void throughput(int count, int tokens) {
    EngineStats before = engine.stats();
    long start = System.nanoTime();
    List<Reading> readings = read(count, tokens);
    long wall = System.nanoTime() - start;
    EngineStats after = engine.stats();
    double[] firsts = readings.stream().mapToDouble(Reading::firstMillis).sorted().toArray();
    double model = after.modelNanos() - before.modelNanos();
    double generated = whileAllGenerate(readings);
    System.out.printf(
        "%2d streams: %6.1f tokens/s while all generate, %.2f of the FMA peak; all in all %.1f"
            + " tokens/s; first token after %.1f s (median), %.1f s (last);"
            + " not in the model: %.1f %% of the steps, %.1f %% of the time%n",
        count,
        generated,
        generated * flops / peak,
        count * tokens / (wall / 1e9),
        firsts[count / 2] / 1e3,
        firsts[count - 1] / 1e3,
        100 * (1 - model / (after.stepNanos() - before.stepNanos())),
        100 * (1 - model / wall));
  }

  /// Tokens a second between the first token of the last stream and the last of the first to end.
  private static double whileAllGenerate(List<Reading> readings) {
    long from = readings.stream().mapToLong(r -> r.times().getFirst()).max().orElseThrow();
    long to = readings.stream().mapToLong(r -> r.times().getLast()).min().orElseThrow();
    long tokens =
        readings.stream()
            .flatMap(reading -> reading.times().stream())
            .filter(time -> time > from && time <= to)
            .count();
    return tokens / ((to - from) / 1e9);
  }

  private void joining(int count) throws InterruptedException {
    List<Reading> running = IntStream.range(0, count).mapToObj(i -> stream(PROMPT, 600)).toList();
    await(running, 40);
    long joins = System.nanoTime();
    Reading joined = stream(JOINING, 1);
    joined.tokens.join();
    long in = joined.times().getFirst();
    await(running, running.getFirst().times().size() + 30);
    List<Double> quiet = new ArrayList<>();
    List<Double> disturbed = new ArrayList<>();
    for (Reading one : running) {
      List<Long> times = one.times();
      for (int i = 10; i < times.size(); i++) {
        double gap = (times.get(i) - times.get(i - 1)) / 1e6;
        boolean isQuiet = times.get(i) < joins || times.get(i - 1) > in;
        (isQuiet ? quiet : disturbed).add(gap);
      }
    }
    System.out.printf(
        "a prompt of %d tokens joins %d streams: between tokens %.0f ms (p99) without it, %.0f ms"
            + " (p99) beside it, ratio %.2f; its first token after %.1f s%n",
        JOINING,
        count,
        p99(quiet),
        p99(disturbed),
        p99(disturbed) / p99(quiet),
        joined.firstMillis() / 1e3);
  }

  private static void await(List<Reading> readings, int events) throws InterruptedException {
    for (Reading reading : readings) {
      while (reading.times().size() < events && !reading.tokens.isDone()) {
        Thread.sleep(5);
      }
    }
  }

  private static double p99(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(v -> v).sorted().toArray();
    return sorted[(int) (0.99 * (sorted.length - 1))];
  }
}
