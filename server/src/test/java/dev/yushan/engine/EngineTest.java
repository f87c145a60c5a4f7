package dev.yushan.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.engine.Completion.Reason;
import dev.yushan.generate.Generator;
import dev.yushan.generate.SamplingParams;
import dev.yushan.generate.TokenConstraint;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.text.BpeTrainer;
import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizers;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The engine on the golden models: what a request gets depends on itself alone.
@Timeout(120)
class EngineTest {
  private static final int MAX_LEN = 200;

  @TempDir static Path directory;

  private static Backend backend;
  private static CausalLM model;
  private static Tokenizer tokenizer;

  @BeforeAll
  static void open() throws IOException {
    backend = Backends.open(Optional.empty(), new BackendOptions(2, Optional.empty(), Map.of()));
    model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, false);
    model.freeze(backend);
    BpeTrainer.train(
        Stream.<String>empty().iterator(), BpeTrainer.Options.ofVocabSize(258), directory);
    tokenizer = Tokenizers.load(directory);
  }

  @AfterAll
  static void close() {
    model.close();
    backend.close();
  }

  /// An engine whose cache has so many pages.
  private static Engine engine(int sequences, int batched, int pages, boolean prefixCaching) {
    long page =
        2L * model.config().layers() * 16 * model.config().kvHeads() * model.config().headDim() * 4;
    return new Engine(
        backend,
        model,
        tokenizer,
        new EngineConfig(
            MAX_LEN, sequences, batched, pages * page, DType.F32, prefixCaching, 1000));
  }

  /// What a request was told.
  private static class Told implements EngineListener {
    private final List<TokenScore> tokens = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private List<TokenScore> prompt = List.of();
    private final CompletableFuture<Completion> end = new CompletableFuture<>();

    @Override
    public void prompt(List<TokenScore> scores) {
      prompt = scores;
    }

    @Override
    public void token(TokenScore token, String more) {
      tokens.add(token);
      text.append(more);
    }

    @Override
    public void finished(Completion completion, String rest) {
      text.append(rest);
      end.complete(completion);
    }

    int[] ids() {
      return tokens.stream().mapToInt(TokenScore::id).toArray();
    }

    Completion await() {
      return end.orTimeout(60, TimeUnit.SECONDS).join();
    }
  }

  private static Told submit(Engine engine, EngineRequest request) {
    Told told = new Told();
    engine.submit(request, told);
    return told;
  }

  private static SamplingParams greedy(int tokens) {
    return SamplingParams.greedy(tokens).toBuilder().ignoreEos(true).build();
  }

  private static SamplingParams sampled(long seed, int tokens) {
    return SamplingParams.random(0.8, seed, tokens).toBuilder()
        .topK(20)
        .topP(0.95)
        .repetitionPenalty(1.1)
        .presencePenalty(0.1)
        .ignoreEos(true)
        .build();
  }

  @ParameterizedTest
  @CsvSource({"short, 64", "long, 64", "long, 7", "long, 256"})
  void greedyTokensAreThoseOfTransformers(String prompt, int batched) {
    String file = "a_greedy.safetensors";
    int[] wanted = Golden.ints(file, prompt + ".tokens");
    float[] logProbabilities = Golden.floats(file, prompt + ".logprobs");
    try (Engine engine = engine(4, batched, 40, true)) {
      Told told =
          submit(
              engine,
              new EngineRequest(
                  "a",
                  Golden.ints(file, prompt + ".prompt"),
                  greedy(wanted.length),
                  0,
                  OptionalInt.of(0),
                  OptionalInt.empty(),
                  Optional.empty(),
                  Optional.empty()));
      Completion completion = told.await();
      assertThat(told.ids()).isEqualTo(wanted);
      for (int i = 0; i < wanted.length; i++) {
        assertThat(told.tokens.get(i).logProbability())
            .isCloseTo(logProbabilities[i], within(2e-5f));
      }
      assertThat(completion.reason()).isEqualTo(Reason.LENGTH);
      assertThat(completion.outputTokens()).isEqualTo(wanted.length);
      Completion.Timings times = completion.timings();
      assertThat(new long[] {times.arrived(), times.scheduled(), times.firstToken(), times.ended()})
          .isSorted();
    }
  }

  private static List<EngineRequest> requests(long seed, int count) {
    Random random = new Random(seed);
    int vocabulary = model.config().vocabSize();
    int[] shared = random.ints(60, 0, vocabulary).toArray();
    return IntStream.range(0, count)
        .mapToObj(
            i -> {
              int[] own = random.ints(1 + random.nextInt(60), 0, vocabulary).toArray();
              int[] prompt =
                  i % 2 == 0
                      ? own
                      : IntStream.concat(
                              Arrays.stream(shared, 0, 10 + random.nextInt(50)), Arrays.stream(own))
                          .toArray();
              int tokens = 1 + random.nextInt(50);
              SamplingParams params = i % 3 == 0 ? greedy(tokens) : sampled(i, tokens);
              return new EngineRequest(
                  "r" + i,
                  prompt,
                  params,
                  random.nextInt(3),
                  OptionalInt.of(i % 4),
                  i % 5 == 0 ? OptionalInt.of(2) : OptionalInt.empty(),
                  Optional.empty(),
                  Optional.empty());
            })
        .toList();
  }

  /// Alone in a fresh engine, the prompt in one piece.
  private static List<Told> alone(List<EngineRequest> requests) {
    return requests.stream()
        .map(
            request -> {
              try (Engine engine = engine(1, 256, 14, false)) {
                Told told = submit(engine, request);
                told.await();
                return told;
              }
            })
        .toList();
  }

  /// So that they stand in the engine's way together, however slow this thread is.
  private static List<Told> submitAtOnce(Engine engine, List<EngineRequest> requests) {
    CountDownLatch all = new CountDownLatch(1);
    Told first =
        new Told() {
          @Override
          public void finished(Completion completion, String rest) {
            try {
              all.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    engine.submit(EngineRequest.of("first", new int[] {1}, greedy(1)), first);
    List<Told> told = requests.stream().map(request -> submit(engine, request)).toList();
    all.countDown();
    return told;
  }

  private static void assertSame(Told told, Told wanted, String of) {
    assertThat(told.tokens).as(of).isEqualTo(wanted.tokens);
    assertThat(told.prompt).as(of).isEqualTo(wanted.prompt);
    assertThat(told.text.toString()).as(of).isEqualTo(wanted.text.toString());
    assertThat(told.await().reason()).as(of).isEqualTo(wanted.await().reason());
  }

  /// To the bit: tokens, log-probabilities and the scores of prompts, whether 32 run at once or
  /// few, in pieces of any size, with a cache of much room or of so little that they make room for
  /// each other, with prefixes found or not, and when all of it comes again.
  @Test
  void aRequestGetsWhatItGetsAlone() {
    long seed = new Random().nextLong();
    System.out.println("EngineTest.aRequestGetsWhatItGetsAlone seed " + seed);
    List<EngineRequest> requests = requests(seed, 32);
    List<Told> wanted = alone(requests);
    record Setting(int sequences, int batched, int pages, boolean prefixCaching) {}
    for (Setting setting :
        List.of(
            new Setting(32, 256, 500, true),
            new Setting(32, 32, 500, false),
            new Setting(5, 9, 60, true),
            new Setting(16, 64, 14, true),
            new Setting(16, 64, 14, false))) {
      try (Engine engine =
          engine(setting.sequences, setting.batched, setting.pages, setting.prefixCaching)) {
        for (int round = 0; round < 2; round++) {
          List<Told> told = submitAtOnce(engine, requests);
          for (int i = 0; i < told.size(); i++) {
            told.get(i).await();
            assertSame(
                told.get(i),
                wanted.get(i),
                "seed %d, %s, round %d, request %d".formatted(seed, setting, round, i));
          }
        }
        EngineStats stats = engine.stats();
        assertThat(setting.pages < 500 || stats.preemptions() == 0).isTrue();
        assertThat(stats.prefixHits() > 0).isEqualTo(setting.prefixCaching);
      }
    }
  }

  /// The wait for the pass that is computed when a request comes counts.
  @Test
  void aRequestArrivesWhenItIsSubmitted() {
    try (Engine engine = engine(4, 64, 500, true)) {
      for (int i = 0; i < 20; i++) {
        long before = System.nanoTime();
        Told told = submit(engine, EngineRequest.of("r", new int[] {i + 1, 2, 3}, greedy(3)));
        long after = System.nanoTime();
        assertThat(told.await().timings().arrived()).isBetween(before, after);
      }
    }
  }

  @Test
  void whatWarmsUpIsNotCounted() throws InterruptedException {
    try (Engine engine = engine(4, 64, 500, true)) {
      engine.warmUp();
      submit(engine, EngineRequest.of("r", new int[] {1, 2, 3}, greedy(3)));
      assertThat(engine.drain(Duration.ofMinutes(1))).isTrue();
      assertThat(engine.stats().promptTokens()).isEqualTo(3);
      assertThat(engine.stats().outputTokens()).isEqualTo(3);
      assertThat(engine.stats().computedTokens()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 14", "4, 4, 14"})
  void anySettingsWarmUp(int sequences, int batched, int pages) throws InterruptedException {
    try (Engine engine = engine(sequences, batched, pages, false)) {
      engine.warmUp();
      assertThat(engine.drain(Duration.ofMinutes(1))).isTrue();
      assertThat(engine.stats().outputTokens()).isZero();
    }
  }

  @Test
  void anEngineThatStopsDoesNotWarmUp() throws InterruptedException {
    Engine engine = engine(4, 64, 500, true);
    engine.close();
    assertThatThrownBy(engine::warmUp).isInstanceOf(QueueFullException.class);
  }

  /// Each of them begins on one page and ends on three: with 14 pages some must make room, however
  /// the engine paces their prompts.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRequestThatMadeRoomGetsWhatItGetsAlone(boolean prefixCaching) {
    List<EngineRequest> requests =
        IntStream.range(0, 14)
            .mapToObj(
                i ->
                    EngineRequest.of(
                        "r" + i,
                        new int[] {i + 1, i + 2},
                        i % 2 == 0 ? greedy(40) : sampled(i, 40)))
            .toList();
    List<Told> wanted = alone(requests);
    try (Engine engine = engine(14, 64, 14, prefixCaching)) {
      List<Told> told = submitAtOnce(engine, requests);
      for (int i = 0; i < told.size(); i++) {
        told.get(i).await();
        assertSame(told.get(i), wanted.get(i), "request " + i);
      }
      assertThat(engine.stats().preemptions()).isPositive();
    }
  }

  @Test
  void theScoresOfAPromptAreThoseOfTheGolden() {
    int[] ids = Golden.ints("a_forward.safetensors", "input_ids_long");
    float[] nll = Golden.floats("a_forward.safetensors", "nll_long");
    int[] prompt = Arrays.copyOf(ids, MAX_LEN);
    try (Engine engine = engine(4, 64, 40, true)) {
      Told told =
          submit(
              engine,
              new EngineRequest(
                  "scored",
                  prompt,
                  greedy(0),
                  0,
                  OptionalInt.empty(),
                  OptionalInt.of(3),
                  Optional.empty(),
                  Optional.empty()));
      Completion completion = told.await();
      assertThat(completion.outputTokens()).isZero();
      assertThat(told.prompt).hasSize(prompt.length - 1);
      for (int i = 0; i < told.prompt.size(); i++) {
        TokenScore score = told.prompt.get(i);
        assertThat(score.id()).isEqualTo(prompt[i + 1]);
        assertThat(-score.logProbability()).isCloseTo(nll[i], within(2e-5f));
        assertThat(score.top()).hasSize(3);
        assertThat(score.top().getFirst().logProbability())
            .isGreaterThanOrEqualTo(score.logProbability());
        if (score.rank() <= 3) {
          assertThat(score.top().get(score.rank() - 1).id()).isEqualTo(score.id());
        }
      }
    }
  }

  @Test
  void whatMayComeIsLookedUpOnceForEachTokenAndNotByTheEngine() {
    List<String> threads = Collections.synchronizedList(new ArrayList<>());
    try (Engine engine = engine(4, 64, 60, true)) {
      Told told =
          submit(
              engine,
              new EngineRequest(
                  "form",
                  new int[] {1, 2, 3},
                  greedy(5),
                  0,
                  OptionalInt.empty(),
                  OptionalInt.empty(),
                  Optional.of(() -> counting(50, threads)),
                  Optional.empty()));
      assertThat(told.await().outputTokens()).isEqualTo(5);
      assertThat(told.ids()).containsExactly(50, 51, 52, 53, 54);
      Told broken =
          submit(
              engine,
              new EngineRequest(
                  "broken",
                  new int[] {1, 2, 3},
                  greedy(5),
                  0,
                  OptionalInt.empty(),
                  OptionalInt.empty(),
                  Optional.of(() -> counting(-1, threads)),
                  Optional.empty()));
      assertThat(broken.await().reason()).isEqualTo(Reason.FAILED);
    }
    assertThat(threads).hasSize(6).doesNotContain("engine");
  }

  /// Allows one id alone, and after it the next.
  private static TokenConstraint.State counting(int id, List<String> threads) {
    return new TokenConstraint.State() {
      @Override
      public BitSet allowed() {
        threads.add(Thread.currentThread().getName());
        BitSet only = new BitSet();
        only.set(id); // fails below 0
        return only;
      }

      @Override
      public TokenConstraint.State next(int chosen) {
        return counting(chosen + 1, threads);
      }
    };
  }

  @Test
  void cancelledOnesLeaveAtOnceAndOthersGoOn() throws InterruptedException {
    try (Engine engine = engine(4, 64, 60, true)) {
      Told stays = submit(engine, EngineRequest.of("stays", new int[] {1, 2, 3}, greedy(150)));
      Told leaves = new Told();
      Engine.Ticket ticket =
          engine.submit(EngineRequest.of("leaves", new int[] {4, 5, 6}, greedy(190)), leaves);
      ticket.cancel();
      assertThat(leaves.await().reason()).isEqualTo(Reason.CANCELLED);
      ticket.cancel();
      assertThat(stays.await().outputTokens()).isEqualTo(150);
      Told late =
          submit(
              engine,
              new EngineRequest(
                  "late",
                  new int[] {1},
                  greedy(190),
                  0,
                  OptionalInt.empty(),
                  OptionalInt.empty(),
                  Optional.empty(),
                  Optional.of(Duration.ofNanos(1))));
      assertThat(late.await().reason()).isEqualTo(Reason.CANCELLED);
      assertThat(late.await().error()).contains("its time was up");
    }
  }

  @Test
  void tooManyAreRefusedAndRoomIsMade() {
    EngineConfig config = new EngineConfig(100, 1, 16, 1 << 22, DType.F32, true, 2);
    try (Engine engine = new Engine(backend, model, tokenizer, config)) {
      List<Told> told = new ArrayList<>();
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 100; i++) {
                  told.add(submit(engine, EngineRequest.of("r", new int[] {1}, greedy(90))));
                }
              })
          .isInstanceOf(QueueFullException.class)
          .hasMessageContaining("try again later");
      told.forEach(Told::await);
      assertThat(told.size()).isGreaterThanOrEqualTo(3);
      submit(engine, EngineRequest.of("r", new int[] {1}, greedy(2))).await();
    }
  }

  @Test
  void whatCannotBeComputedIsRefused() {
    try (Engine engine = engine(2, 16, 20, true)) {
      assertThatThrownBy(() -> submit(engine, EngineRequest.of("r", new int[0], greedy(1))))
          .hasMessage("the prompt has no tokens; give at least one");
      assertThatThrownBy(() -> submit(engine, EngineRequest.of("r", new int[MAX_LEN], greedy(1))))
          .hasMessageContaining("the prompt has 200 tokens");
      assertThatThrownBy(() -> submit(engine, EngineRequest.of("r", new int[] {-1}, greedy(1))))
          .hasMessageContaining("the prompt has the id -1");
    }
    assertThatThrownBy(() -> engine(2, 16, 5, true))
        .hasMessageContaining("lower --max-model-len or raise --kv-cache-memory");
    assertThatThrownBy(() -> engine(20, 16, 50, true))
        .hasMessageContaining("--max-num-batched-tokens must be --max-num-seqs (20) or more");
  }

  @Test
  void drainingEndsWhatThereIsAndTakesNoMore() throws InterruptedException {
    Engine engine = engine(2, 16, 40, true);
    List<Told> told =
        IntStream.range(0, 6)
            .mapToObj(i -> submit(engine, EngineRequest.of("r", new int[] {i}, greedy(60))))
            .toList();
    assertThat(engine.drain(Duration.ofSeconds(60))).isTrue();
    assertThat(told).allSatisfy(one -> assertThat(one.await().outputTokens()).isEqualTo(60));
    assertThatThrownBy(() -> submit(engine, EngineRequest.of("r", new int[] {1}, greedy(1))))
        .isInstanceOf(QueueFullException.class);
    engine.close();
  }

  @Test
  void closingCancelsWhatThereIs() {
    Engine engine = engine(2, 16, 40, true);
    List<Told> told =
        IntStream.range(0, 6)
            .mapToObj(i -> submit(engine, EngineRequest.of("r", new int[] {i}, greedy(190))))
            .toList();
    engine.close();
    assertThat(told)
        .allSatisfy(one -> assertThat(one.await().reason()).isIn(Reason.CANCELLED, Reason.LENGTH));
    assertThat(told)
        .anySatisfy(one -> assertThat(one.await().reason()).isEqualTo(Reason.CANCELLED));
  }

  /// A listener that throws ends its own request alone.
  @Test
  void aListenerThatFailsHarmsNoOther() {
    try (Engine engine = engine(4, 64, 40, true)) {
      Told other = submit(engine, EngineRequest.of("other", new int[] {1, 2}, greedy(40)));
      engine.submit(
          EngineRequest.of("bad", new int[] {3}, greedy(40)),
          new EngineListener() {
            @Override
            public void token(TokenScore token, String text) {
              throw new IllegalStateException("thrown by a test");
            }

            @Override
            public void finished(Completion completion, String text) {}
          });
      assertThat(other.await().outputTokens()).isEqualTo(40);
      assertThat(
              submit(engine, EngineRequest.of("next", new int[] {1}, greedy(3))).await().reason())
          .isEqualTo(Reason.LENGTH);
    }
  }

  /// A device that fails may do so only when logits are fetched.
  @Test
  void logitsThatCannotBeHadEndTheirRequestsAlone() throws InterruptedException {
    AtomicBoolean fails = new AtomicBoolean();
    Backend failing =
        (Backend)
            Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("download") && fails.getAndSet(false)) {
                    throw new OutOfMemoryError("thrown by a test");
                  }
                  return method.invoke(backend, arguments);
                });
    int[] prompt = IntStream.range(0, 40).toArray();
    EngineConfig config = new EngineConfig(MAX_LEN, 4, 64, 1 << 22, DType.F32, true, 100);
    try (Engine engine = new Engine(failing, model, tokenizer, config)) {
      Told before = submit(engine, EngineRequest.of("before", new int[] {9}, greedy(3)));
      assertThat(before.await().reason()).isEqualTo(Reason.LENGTH);
      fails.set(true);
      Told failed = submit(engine, EngineRequest.of("failed", prompt, greedy(3)));
      assertThat(failed.await().reason()).isEqualTo(Reason.FAILED);
      assertThat(failed.await().error()).contains("thrown by a test");
      Told after = submit(engine, EngineRequest.of("after", prompt, greedy(3)));
      assertThat(after.await().reason()).isEqualTo(Reason.LENGTH);
      assertThat(after.await().cachedTokens()).isZero();
      assertThat(engine.drain(Duration.ofMinutes(1))).isTrue();
      assertThat(engine.stats().kvUsage()).isZero();
    }
  }

  /// The same text, in pieces, as the generator that computes one request at a time.
  @Test
  void theTokensAreThoseOfTheGenerator() {
    int[] prompt = {5, 6, 7, 8};
    try (Generator generator = new Generator(backend, model, MAX_LEN);
        Engine engine = engine(3, 64, 40, true)) {
      int[] wanted =
          generator.generate(prompt, sampled(9, 40), (id, logProbability) -> true).tokens();
      Told told = submit(engine, EngineRequest.of("r", prompt, sampled(9, 40)));
      told.await();
      assertThat(told.ids()).isEqualTo(wanted);
    }
  }

  /// Quantised weights and halved keys and values change probabilities a little, and nothing else:
  /// together or alone, tokens are the same.
  @ParameterizedTest
  @CsvSource({
    "F32, F16, 0.002",
    "F32, BF16, 0.02",
    "BF16, F32, 0.03",
    "Q8_0, F32, 0.03",
    "Q4_0, BF16, 0.4"
  })
  void smallerTypesOfWeightsAndCache(DType weights, DType cache, float within) {
    int[] prompt = Golden.ints("a_forward.safetensors", "input_ids_long");
    float[] nll = Golden.floats("a_forward.safetensors", "nll_long");
    try (CausalLM small = Models.load(backend, Golden.path("tiny-llama-a"), weights, false)) {
      small.freeze(backend);
      List<int[]> alone = new ArrayList<>();
      for (int sequences : new int[] {1, 8}) {
        EngineConfig config = new EngineConfig(240, sequences, 64, 1 << 22, cache, true, 100);
        try (Engine engine = new Engine(backend, small, tokenizer, config)) {
          List<Told> told = new ArrayList<>();
          for (int i = 0; i < 8; i++) {
            int[] part = Arrays.copyOf(prompt, 10 + 20 * i);
            told.add(submit(engine, EngineRequest.of("r", part, sampled(i, 20))));
          }
          told.forEach(Told::await);
          for (int i = 0; i < 8; i++) {
            if (sequences == 1) {
              alone.add(told.get(i).ids());
            }
            assertThat(told.get(i).ids()).isEqualTo(alone.get(i));
          }
          EngineRequest scored =
              new EngineRequest(
                  "scored",
                  prompt,
                  greedy(0),
                  0,
                  OptionalInt.empty(),
                  OptionalInt.of(0),
                  Optional.empty(),
                  Optional.empty());
          Told scores = submit(engine, scored);
          scores.await();
          double sum = 0;
          for (int i = 0; i < nll.length; i++) {
            sum += Math.abs(scores.prompt.get(i).logProbability() + nll[i]);
          }
          assertThat(sum / nll.length).isBetween(1e-6, (double) within);
        }
      }
    }
  }
}
