package dev.yushan.http;

import dev.yushan.engine.Completion;
import dev.yushan.engine.Engine;
import dev.yushan.engine.EngineListener;
import dev.yushan.engine.EngineRequest;
import dev.yushan.engine.TokenScore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// A request that the engine works on: one [Choice] for each continuation. The engine's thread adds
/// to them and goes on; [#news] is called when there is something to take.
final class Generation {
  private final GenerationRequest request;
  private final Metrics metrics;
  private final int maxPending;
  private final List<Choice> choices = new ArrayList<>();
  private final List<Engine.Ticket> tickets = new ArrayList<>();
  private final List<Completion> ended = new ArrayList<>();
  private final AtomicBoolean cancelled = new AtomicBoolean();
  private Runnable news = () -> {};
  private Runnable tooSlow = () -> {};
  private final List<Runnable> atEnd = new ArrayList<>();
  private int pending;

  /// @param maxPending tokens that nobody has taken, after which `tooSlow` is called
  Generation(GenerationRequest request, Metrics metrics, int maxPending) {
    this.request = request;
    this.metrics = metrics;
    this.maxPending = maxPending;
    for (int i = 0; i < request.requests().size(); i++) {
      choices.add(new Choice(i, request.prompts().get(i / request.n())));
    }
  }

  /// Hands all to the engine, or nothing.
  ///
  /// @throws dev.yushan.engine.QueueFullException if it takes no more
  /// @throws IllegalArgumentException if it does not like the prompt
  void submit(Engine engine) {
    try {
      for (Choice choice : choices) {
        EngineRequest one = request.requests().get(choice.index());
        Engine.Ticket ticket = engine.submit(one, new Listener(choice, one.params().maxTokens()));
        synchronized (this) {
          tickets.add(ticket);
        }
      }
    } catch (RuntimeException e) {
      cancel();
      throw e;
    }
    if (cancelled.get()) {
      cancel();
    }
  }

  /// Calls `news` (on any thread) when there is something to take, now if there is already, and
  /// `tooSlow` once if too much is left untaken.
  void listen(Runnable news, Runnable tooSlow) {
    synchronized (this) {
      this.news = news;
      this.tooSlow = tooSlow;
    }
    news.run();
  }

  void cancel() {
    cancelled.set(true);
    List<Engine.Ticket> all;
    synchronized (this) {
      all = List.copyOf(tickets);
    }
    all.forEach(Engine.Ticket::cancel);
  }

  boolean chat() {
    return request.chat();
  }

  List<Choice> choices() {
    return choices;
  }

  /// What came of a choice; empty if nothing did.
  synchronized Optional<Choice.Piece> take(Choice choice) {
    if (!choice.hasNews()) {
      return Optional.empty();
    }
    Choice.Piece piece = choice.take();
    pending -= piece.tokens().size();
    return Optional.of(piece);
  }

  /// Whether every choice has ended.
  synchronized boolean done() {
    return ended.size() == choices.size();
  }

  /// Runs `action` too, once, when every choice has ended: now if that is so already.
  void whenDone(Runnable action) {
    synchronized (this) {
      if (!done()) {
        atEnd.add(action);
        return;
      }
    }
    action.run();
  }

  synchronized List<Completion> completions() {
    return List.copyOf(ended);
  }

  synchronized Usage usage() {
    int prompts = request.prompts().stream().mapToInt(prompt -> prompt.ids().length).sum();
    int written = choices.stream().mapToInt(Choice::written).sum();
    int cached = ended.stream().mapToInt(Completion::cachedTokens).max().orElse(0);
    return new Usage(prompts, written, Math.min(cached, prompts));
  }

  private final class Listener implements EngineListener {
    private final Choice choice;
    private final int maxTokens;
    private final long submitted = System.nanoTime();
    private long last;

    Listener(Choice choice, int maxTokens) {
      this.choice = choice;
      this.maxTokens = maxTokens;
    }

    @Override
    public void prompt(List<TokenScore> scores) {
      synchronized (Generation.this) {
        choice.prompt(scores);
      }
    }

    @Override
    public void token(TokenScore token, String text) {
      long now = System.nanoTime();
      if (last == 0) {
        metrics.firstToken(now - submitted);
      } else {
        metrics.betweenTokens(now - last);
      }
      last = now;
      Runnable call;
      synchronized (Generation.this) {
        choice.token(token, text);
        call = ++pending > maxPending ? tooSlow : news;
      }
      call.run();
    }

    @Override
    public void finished(Completion completion, String text) {
      metrics.ended(completion, request.n(), maxTokens);
      Runnable call;
      List<Runnable> last;
      synchronized (Generation.this) {
        choice.finish(completion, text);
        ended.add(completion);
        call = news;
        last = done() ? List.copyOf(atEnd) : List.of();
      }
      call.run();
      last.forEach(Runnable::run);
    }
  }
}
