package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/// Writes a [Generation] as server-sent events. While the client's window is full nothing is
/// written, and what comes meanwhile goes into one event. On the event loop, but for [#news].
final class EventStream {
  private static final int WINDOW_BYTES = 1 << 16;

  private final Vertx vertx;
  private final Exchange exchange;
  private final Generation generation;
  private final GenerationRequest request;
  private final Reply reply;
  private final Duration stallTimeout;
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final int[] offsets;
  private long stall = -1;
  private boolean over;

  EventStream(
      Vertx vertx,
      Exchange exchange,
      Generation generation,
      GenerationRequest request,
      Reply reply,
      Duration stallTimeout) {
    this.vertx = vertx;
    this.exchange = exchange;
    this.generation = generation;
    this.request = request;
    this.reply = reply;
    this.stallTimeout = stallTimeout;
    this.offsets = new int[generation.choices().size()];
  }

  void start() {
    if (exchange.over()) {
      generation.cancel();
      return;
    }
    HttpServerResponse response = exchange.response();
    response
        .putHeader("Content-Type", "text/event-stream; charset=utf-8")
        .putHeader("Cache-Control", "no-cache")
        .putHeader("X-Accel-Buffering", "no"); // nginx would wait for more otherwise
    if (exchange.request().version() == HttpVersion.HTTP_1_0) {
      response.putHeader("Connection", "close");
    } else {
      response.setChunked(true);
    }
    response.setWriteQueueMaxSize(WINDOW_BYTES).drainHandler(nothing -> drained());
    generation.listen(this::news, () -> exchange.onLoop(this::drop));
  }

  /// There is something to write: any thread.
  private void news() {
    if (scheduled.compareAndSet(false, true)) {
      exchange.onLoop(this::write);
    }
  }

  private void write() {
    scheduled.set(false);
    if (over) {
      return;
    }
    if (exchange.over()) {
      over = true;
      return;
    }
    for (Choice choice : generation.choices()) {
      if (exchange.response().writeQueueFull()) {
        awaitReader();
        return;
      }
      generation.take(choice).ifPresent(piece -> write(choice, piece));
      if (over) {
        return; // one that fails ends the answer
      }
    }
    if (generation.done() && generation.choices().stream().noneMatch(this::hasNews)) {
      finish();
    }
  }

  private boolean hasNews(Choice choice) {
    synchronized (generation) {
      return choice.hasNews();
    }
  }

  private void write(Choice choice, Choice.Piece piece) {
    Optional<ApiException> failure = piece.end().flatMap(ApiException::of);
    if (failure.isPresent()) {
      event(failure.get().json());
      generation.cancel();
      close();
      return;
    }
    if (!piece.first()
        && piece.end().isEmpty()
        && reply.text(choice, piece).isEmpty()
        && request.logprobs().isEmpty()
        && !request.tokenIds()) {
      return; // tokens whose characters are not whole yet
    }
    ObjectNode event = reply.event(choice, piece, offsets[choice.index()]);
    if (request.logprobs().isPresent()) {
      offsets[choice.index()] += reply.length(choice, piece);
    }
    if (request.usageInEvents()) {
      event.set("usage", generation.usage().json());
    } else if (request.usage()) {
      event.putNull("usage");
    }
    event(event);
  }

  private void finish() {
    if (request.usage()) {
      event(reply.usageEvent(generation.usage()));
    }
    close();
  }

  private void close() {
    over = true;
    awaitReader();
    exchange.response().end(Buffer.buffer("data: [DONE]\n\n")).onComplete(written -> cancelStall());
  }

  private void event(JsonNode json) {
    exchange
        .response()
        .write(Buffer.buffer("data: ").appendBytes(Json.bytes(json)).appendString("\n\n"));
  }

  private void awaitReader() {
    if (stall < 0) {
      stall = vertx.setTimer(stallTimeout.toMillis(), id -> drop());
    }
  }

  private void drained() {
    cancelStall();
    news();
  }

  private void cancelStall() {
    if (stall >= 0) {
      vertx.cancelTimer(stall);
      stall = -1;
    }
  }

  /// The client reads too slowly, or no more.
  private void drop() {
    over = true;
    cancelStall();
    generation.cancel();
    Connections.cut(exchange.request().connection());
  }
}
