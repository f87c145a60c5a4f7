package dev.yushan.engine;

import dev.yushan.generate.SamplingParams;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/// Has an engine compute texts that nobody asked for, so that what runs is compiled when the first
/// request comes: until that takes no less time than before, or has taken long enough.
final class WarmUp {
  /// When no other round begins.
  private static final Duration ENOUGH = Duration.ofSeconds(10);

  private static final int TEXTS = 4;
  private static final int PROMPT_TOKENS = 16;

  /// A round that takes this share of the one before it is no faster.
  private static final double SETTLED = 0.8;

  private final Engine engine;

  WarmUp(Engine engine) {
    this.engine = engine;
  }

  /// @throws IllegalStateException if a pass fails
  void run() throws InterruptedException {
    long begun = System.nanoTime();
    long before = Long.MAX_VALUE;
    int settled = 0;
    for (int round = 0; settled < 2 && System.nanoTime() - begun < ENOUGH.toNanos(); round++) {
      engine.forget();
      long start = System.nanoTime();
      round(round);
      long took = System.nanoTime() - start;
      settled = took > SETTLED * before ? settled + 1 : 0;
      before = took;
    }
    engine.forget();
  }

  /// Prompts in one pass, then passes of fewer and fewer texts.
  private void round(int round) throws InterruptedException {
    EngineConfig config = engine.config();
    int texts = Math.min(TEXTS, config.maxNumSeqs());
    int length = Math.clamp(config.maxModelLen() - texts - 1L, 1, PROMPT_TOKENS);
    List<CompletableFuture<Completion>> done = new ArrayList<>();
    for (int text = 0; text < texts; text++) {
      int[] prompt = new int[length];
      int first = round * texts + text; // another one each time, not to be found in the cache
      Arrays.setAll(prompt, i -> (first + 7 * i) % engine.vocabSize());
      done.add(submit(prompt, 2 + text));
    }
    for (CompletableFuture<Completion> text : done) {
      try {
        text.get();
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause().getMessage(), e);
      }
    }
  }

  private CompletableFuture<Completion> submit(int[] prompt, int tokens) {
    CompletableFuture<Completion> ended = new CompletableFuture<>();
    SamplingParams greedy = SamplingParams.greedy(tokens).toBuilder().ignoreEos(true).build();
    EngineListener listener =
        new EngineListener() {
          @Override
          public void token(TokenScore token, String text) {
            // nobody reads it
          }

          @Override
          public void finished(Completion completion, String text) {
            if (completion.reason() == Completion.Reason.FAILED) {
              ended.completeExceptionally(
                  new IllegalStateException(completion.error().orElse("a forward pass failed")));
            } else {
              ended.complete(completion);
            }
          }
        };
    engine.submit(EngineRequest.of("warm-up", prompt, greedy), listener);
    return ended;
  }
}
