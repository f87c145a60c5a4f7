package dev.yushan.engine;

import dev.yushan.engine.Completion.Reason;
import dev.yushan.generate.Sampler;
import dev.yushan.generate.SamplingParams;
import dev.yushan.generate.TextStream;
import dev.yushan.generate.TokenConstraint;
import dev.yushan.generate.TokenHistory;
import dev.yushan.text.Tokenizer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// A request while it is computed: what the scheduler has of it, and what was said so far. All but
/// [#choose] is called on the engine's thread.
final class Job {
  private final EngineRequest request;
  private final EngineListener listener;
  private final Sequence sequence;
  private final TextStream text;
  private final TokenHistory history;
  private final List<Integer> eosIds;
  private final int limit;
  private final long arrived;
  private final List<TokenScore> promptScores = new ArrayList<>();
  private Optional<TokenConstraint.State> state;
  private Optional<CompletableFuture<BitSet>> allowed;
  private long scheduled;
  private long firstToken;
  private boolean ended;

  /// @param arrived by [System#nanoTime]
  /// @param arrival its number in the order of arrival
  /// @param limit of new tokens
  Job(
      EngineRequest request,
      EngineListener listener,
      Tokenizer tokenizer,
      List<Integer> eosIds,
      long arrived,
      long arrival,
      int limit) {
    this.request = request;
    this.listener = listener;
    this.arrived = arrived;
    this.eosIds = eosIds;
    this.limit = limit;
    this.text = new TextStream(tokenizer, request.params());
    this.history = new TokenHistory(request.prompt());
    this.state = request.constraint().map(TokenConstraint::start);
    this.allowed = lookedUp();
    this.sequence =
        new Sequence(
            request.prompt(), request.priority(), arrival, request.promptLogprobs().isPresent());
  }

  EngineRequest request() {
    return request;
  }

  Sequence sequence() {
    return sequence;
  }

  /// Whether its time is up.
  boolean isLate(long now) {
    return request.timeout().map(timeout -> now - arrived > timeout.toNanos()).orElse(false);
  }

  void begin(long now) {
    if (scheduled == 0) {
      scheduled = now;
    }
  }

  // ---- tokens ----------------------------------------------------------------------------------

  int outputTokens() {
    return sequence.length() - sequence.promptLength();
  }

  /// Whether the prompt's scores are still to be said.
  boolean wantsPromptScores() {
    return sequence.scored() && firstToken == 0;
  }

  void addPromptScore(TokenScore score) {
    promptScores.add(score);
  }

  /// The token that follows, by logits `[vocabSize]`. Changes nothing, so that several jobs can be
  /// asked at once.
  TokenScore choose(float[] logits) {
    int id = Sampler.next(logits, history, request.params(), eosIds, allowed.map(Job::found));
    return request.logprobs().isPresent()
        ? TokenScore.of(logits, id, request.logprobs().getAsInt())
        : TokenScore.unscored(id);
  }

  /// Has what may come next found beside the pass that is computed until it is wanted.
  private Optional<CompletableFuture<BitSet>> lookedUp() {
    return state.map(now -> CompletableFuture.supplyAsync(now::allowed));
  }

  private static BitSet found(CompletableFuture<BitSet> allowed) {
    try {
      return allowed.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException failure ? failure : e;
    }
  }

  /// Takes the token that was chosen.
  ///
  /// @return whether it goes on
  boolean add(TokenScore token, long now) {
    if (firstToken == 0) {
      firstToken = now;
      sayPromptScores();
    }
    int id = token.id();
    sequence.add(id);
    history.add(id);
    SamplingParams params = request.params();
    boolean isEos = eosIds.contains(id) && !params.ignoreEos();
    boolean isStop = params.stopTokenIds().contains(id);
    if (isEos || isStop) {
      boolean isText = isStop && params.includeStopStrInOutput();
      listener.token(token, isText ? text.add(id) : "");
      end(Reason.STOP, isEos ? Optional.empty() : Optional.of(id), Optional.empty(), now);
      return false;
    }
    listener.token(token, text.add(id));
    state = state.map(before -> before.next(id));
    if (text.stop().isPresent()) {
      end(Reason.STOP, text.stop().map(stop -> stop), Optional.empty(), now);
      return false;
    }
    if (outputTokens() == limit) {
      end(Reason.LENGTH, Optional.empty(), Optional.empty(), now);
      return false;
    }
    allowed = lookedUp();
    return true;
  }

  /// Ends one that asked for no tokens when its prompt is computed.
  ///
  /// @return whether it goes on
  boolean promptDone(long now) {
    if (limit > 0) {
      return true;
    }
    firstToken = now;
    sayPromptScores();
    end(Reason.LENGTH, Optional.empty(), Optional.empty(), now);
    return false;
  }

  private void sayPromptScores() {
    if (sequence.scored()) {
      listener.prompt(List.copyOf(promptScores));
    }
  }

  /// Says that it has ended, once.
  void end(Reason reason, Optional<Object> stop, Optional<String> error, long now) {
    if (ended) {
      return;
    }
    ended = true;
    Completion.Timings timings =
        new Completion.Timings(
            arrived,
            scheduled == 0 ? now : scheduled,
            firstToken == 0 ? now : firstToken,
            now,
            sequence.preemptions());
    listener.finished(
        new Completion(
            reason,
            stop,
            error,
            sequence.promptLength(),
            sequence.cached(),
            outputTokens(),
            timings),
        text.end());
  }
}
