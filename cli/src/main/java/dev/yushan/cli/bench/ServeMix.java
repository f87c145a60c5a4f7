package dev.yushan.cli.bench;

import dev.yushan.engine.Completion;
import dev.yushan.engine.Engine;
import dev.yushan.engine.EngineListener;
import dev.yushan.engine.EngineRequest;
import dev.yushan.engine.TokenScore;
import dev.yushan.generate.SamplingParams;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/// Streams that begin at once, and a long prompt that joins them when a quarter of their tokens are
/// there, to get one token.
///
/// @param prompt tokens of the prompt of each stream
/// @param tokens that each generates
/// @param joining tokens of the prompt that joins
record ServeMix(int streams, int prompt, int tokens, int joining) {
  /// Tokens of a stream after which the pauses between them are looked at.
  private static final int SETTLED = 2;

  /// What came of it. Times are in milliseconds.
  ///
  /// @param rate tokens a second of all streams, from the first token to the last
  /// @param first until the first token of a stream, the median of them
  /// @param quiet between two tokens of a stream, the 99th percentile without the one that joins
  /// @param beside the same beside it
  /// @param joined until the token of the one that joins
  record Outcome(double rate, double first, double quiet, double beside, double joined) {}

  /// A request, and when its tokens came.
  private static final class Reading implements EngineListener {
    private final long begin = System.nanoTime();
    private final List<Long> times = new ArrayList<>();
    private final CompletableFuture<Completion> end = new CompletableFuture<>();
    private final int mark;
    private final Runnable atMark;

    /// @param atMark what to do when so many tokens are there
    Reading(int mark, Runnable atMark) {
      this.mark = mark;
      this.atMark = atMark;
    }

    @Override
    public void token(TokenScore token, String text) {
      times.add(System.nanoTime());
      if (times.size() == mark) {
        atMark.run();
      }
    }

    @Override
    public void finished(Completion completion, String text) {
      end.complete(completion);
    }

    /// Waits for the last of `tokens` tokens.
    void await(int tokens) {
      Completion completion = end.join();
      if (completion.outputTokens() != tokens) {
        throw new IllegalStateException(
            "a request ended after %d of %d tokens: %s; the log has more"
                .formatted(
                    completion.outputTokens(),
                    tokens,
                    completion.error().orElse(completion.reason().toString())));
      }
    }

    double firstMillis() {
      return (times.getFirst() - begin) * 1e-6;
    }
  }

  /// The same with other lengths of what is generated.
  ServeMix withTokens(int count) {
    return new ServeMix(streams, prompt, count, joining);
  }

  /// Has `engine` compute it.
  Outcome run(Engine engine, BenchModel shape) {
    CompletableFuture<Reading> join = new CompletableFuture<>();
    List<Reading> readings = new ArrayList<>();
    for (int i = 0; i < streams; i++) {
      Runnable joins =
          () -> {
            Reading joined = new Reading(0, () -> {});
            submit(engine, shape.tokens(joining, 1), 1, joined);
            join.complete(joined);
          };
      Reading reading = new Reading(i == 0 ? tokens / 4 : 0, joins);
      readings.add(reading);
      submit(engine, shape.tokens(prompt, 2 + i), tokens, reading);
    }
    readings.forEach(reading -> reading.await(tokens));
    Reading joined = join.join();
    joined.await(1);
    return outcome(readings, joined);
  }

  private static void submit(Engine engine, int[] prompt, int tokens, Reading reading) {
    SamplingParams params =
        SamplingParams.builder().temperature(0).maxTokens(tokens).ignoreEos(true).build();
    engine.submit(EngineRequest.of("bench", prompt, params), reading);
  }

  private Outcome outcome(List<Reading> readings, Reading joined) {
    long first = readings.stream().mapToLong(r -> r.times.getFirst()).min().orElseThrow();
    long last = readings.stream().mapToLong(r -> r.times.getLast()).max().orElseThrow();
    double[] firsts = readings.stream().mapToDouble(Reading::firstMillis).sorted().toArray();
    long after = readings.stream().flatMap(r -> r.times.stream()).filter(t -> t > first).count();
    return new Outcome(
        after / ((last - first) * 1e-9),
        firsts[firsts.length / 2],
        pauses(readings, joined, false),
        pauses(readings, joined, true),
        joined.firstMillis());
  }

  /// The 99th percentile of the pauses beside the one that joined, or of the others.
  private static double pauses(List<Reading> readings, Reading joined, boolean beside) {
    double[] sorted =
        readings.stream().flatMapToDouble(r -> between(r.times, joined, beside)).sorted().toArray();
    return sorted.length == 0 ? 0 : sorted[(int) (0.99 * (sorted.length - 1))];
  }

  private static DoubleStream between(List<Long> times, Reading joined, boolean beside) {
    return IntStream.range(SETTLED, times.size())
        .filter(
            i -> {
              boolean before = times.get(i) < joined.begin;
              boolean after = times.get(i - 1) >= joined.times.getFirst();
              return beside != (before || after);
            })
        .mapToDouble(i -> (times.get(i) - times.get(i - 1)) * 1e-6);
  }
}
