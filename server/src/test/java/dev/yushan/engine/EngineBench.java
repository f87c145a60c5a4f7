package dev.yushan.engine;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.generate.SamplingParams;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
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

/// Measures the engine without HTTP on a model of random weights: tokens a second and time to the
/// first token of so many texts at once, then how much a long prompt that joins delays those that
/// run. From the root of the checkout:
///
/// ```
/// mvn -q -Pbench-serve -DskipTests -pl server -am test -Dbench.main=engine.EngineBench -Dbench.arguments="docs/examples/1b-step/config.json BF16 1,8,16,32 64"
/// ```
final class EngineBench {
  private static final int PROMPT = 32;
  private static final int JOINING = 2000;

  private EngineBench() {}

  private static final class Told implements EngineListener {
    private final List<Long> times = new ArrayList<>();
    private final long start = System.nanoTime();
    private final CompletableFuture<Completion> end = new CompletableFuture<>();

    @Override
    public synchronized void token(TokenScore token, String text) {
      times.add(System.nanoTime());
    }

    @Override
    public void finished(Completion completion, String text) {
      end.complete(completion);
    }

    double firstMillis() {
      return (times.getFirst() - start) / 1e6;
    }
  }

  public static void main(String[] args) throws IOException {
    ObjectNode config = (ObjectNode) new ObjectMapper().readTree(Path.of(args[0]).toFile());
    DType weights = DType.valueOf(args[1]);
    int[] streams = Arrays.stream(args[2].split(",")).mapToInt(Integer::parseInt).toArray();
    int tokens = Integer.parseInt(args[3]);
    Path directory = Files.createTempDirectory("tokenizer");
    BpeTrainer.train(
        Stream.<String>empty().iterator(), BpeTrainer.Options.ofVocabSize(258), directory);
    Tokenizer tokenizer = Tokenizers.load(directory);
    BackendOptions options = new BackendOptions(0, Optional.empty(), Map.of());
    try (Backend backend = Backends.open(Optional.empty(), options);
        CausalLM model = Models.create(backend, config, weights, false, 1)) {
      EngineConfig engineConfig = new EngineConfig(4096, 64, 512, 2L << 30, DType.F32, true, 1000);
      try (Engine engine = new Engine(backend, model, tokenizer, engineConfig)) {
        Random random = new Random(1);
        run(engine, random, 2, 8); // to compile
        for (int count : streams) {
          throughput(engine, random, count, tokens);
        }
        joining(engine, random, 8);
      }
    }
  }

  private static int[] prompt(Random random, int length) {
    return random.ints(length, 3, 20_000).toArray();
  }

  private static List<Told> run(Engine engine, Random random, int count, int tokens) {
    List<Told> told =
        IntStream.range(0, count)
            .mapToObj(i -> submit(engine, prompt(random, PROMPT), tokens))
            .toList();
    told.forEach(one -> one.end.join());
    return told;
  }

  private static Told submit(Engine engine, int[] prompt, int tokens) {
    Told told = new Told();
    SamplingParams params = SamplingParams.greedy(tokens).toBuilder().ignoreEos(true).build();
    engine.submit(EngineRequest.of("bench", prompt, params), told);
    return told;
  }

  private static void throughput(Engine engine, Random random, int count, int tokens) {
    EngineStats before = engine.stats();
    List<Told> told = run(engine, random, count, tokens);
    EngineStats after = engine.stats();
    long first = told.stream().mapToLong(one -> one.times.getFirst()).max().orElseThrow();
    long last = told.stream().mapToLong(one -> one.times.getLast()).max().orElseThrow();
    double[] firsts = told.stream().mapToDouble(Told::firstMillis).sorted().toArray();
    double overhead =
        1
            - (after.modelNanos() - before.modelNanos())
                / (double) (after.stepNanos() - before.stepNanos());
    System.out.printf(
        "%2d streams: %6.1f tokens/s generated, first token after %.0f ms (median), %.0f ms (last);"
            + " %.1f %% of the time is not the model's%n",
        count,
        count * (tokens - 1) / ((last - first) / 1e9),
        firsts[count / 2],
        firsts[count - 1],
        100 * overhead);
  }

  private static void joining(Engine engine, Random random, int count) {
    List<Told> running =
        IntStream.range(0, count)
            .mapToObj(i -> submit(engine, prompt(random, PROMPT), 400))
            .toList();
    await(running, 60);
    long joins = System.nanoTime();
    Told joined = submit(engine, prompt(random, JOINING), 1);
    joined.end.join();
    long in = joined.times.getFirst();
    await(running, running.getFirst().times.size() + 40);
    List<Double> quiet = new ArrayList<>();
    List<Double> disturbed = new ArrayList<>();
    for (Told one : running) {
      List<Long> times;
      synchronized (one) {
        times = List.copyOf(one.times);
      }
      for (int i = 20; i < times.size(); i++) {
        double gap = (times.get(i) - times.get(i - 1)) / 1e6;
        if (times.get(i) < joins || times.get(i - 1) > in) {
          quiet.add(gap);
        } else {
          disturbed.add(gap);
        }
      }
    }
    System.out.printf(
        "a prompt of %d tokens joins %d texts: between tokens %.0f ms (p99) without it, %.0f ms"
            + " (p99) beside it, ratio %.2f; its first token after %.1f s%n",
        JOINING,
        count,
        p99(quiet),
        p99(disturbed),
        p99(disturbed) / p99(quiet),
        joined.firstMillis() / 1e3);
  }

  private static void await(List<Told> told, int tokens) {
    for (Told one : told) {
      while (true) {
        synchronized (one) {
          if (one.times.size() >= tokens) {
            break;
          }
        }
        try {
          Thread.sleep(5);
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  private static double p99(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(v -> v).sorted().toArray();
    return sorted[(int) (0.99 * (sorted.length - 1))];
  }
}
