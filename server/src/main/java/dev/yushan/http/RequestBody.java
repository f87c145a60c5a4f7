package dev.yushan.http;

import dev.yushan.http.ServerConfig.Limits;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.util.function.Consumer;

/// Reads the body of a request, as much of it and as long as is allowed, and as there is room for.
/// On the event loop.
final class RequestBody {
  private final Vertx vertx;
  private final HttpServerRequest request;
  private final Limits limits;
  private final BodyRoom room;
  private final Consumer<Buffer> whole;
  private final Consumer<ApiException> refused;
  private Buffer read = Buffer.buffer();
  private long timer;
  private boolean over;

  private RequestBody(
      Vertx vertx,
      HttpServerRequest request,
      Limits limits,
      BodyRoom room,
      Consumer<Buffer> whole,
      Consumer<ApiException> refused) {
    this.vertx = vertx;
    this.request = request;
    this.limits = limits;
    this.room = room;
    this.whole = whole;
    this.refused = refused;
  }

  /// Calls `whole` or `refused` once, or neither if the client goes away.
  ///
  /// @param room of which the body has as much as it is long: for `whole` to free
  static void read(
      Vertx vertx,
      HttpServerRequest request,
      Limits limits,
      BodyRoom room,
      Consumer<Buffer> whole,
      Consumer<ApiException> refused) {
    new RequestBody(vertx, request, limits, room, whole, refused).start();
  }

  private void start() {
    timer = vertx.setTimer(limits.bodyTimeout().toMillis(), id -> timeOut());
    request.exceptionHandler(gone -> giveUp());
    request.handler(this::add);
    request.endHandler(
        nothing -> {
          if (finish()) {
            whole.accept(read);
          }
        });
    if (announced() > limits.bodyBytes()) {
      tooLarge();
    }
  }

  private long announced() {
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    return length != null && length.matches("\\d{1,18}") ? Long.parseLong(length) : 0;
  }

  private void add(Buffer part) {
    if (!over) {
      int length = read.length() + part.length();
      if (length > limits.bodyBytes()) {
        tooLarge();
      } else if (!room.grow(read.length(), length)) {
        refuse(
            ApiException.of(
                503, "the bodies of other requests take all the room there is; try again later"));
      } else {
        read.appendBuffer(part);
      }
    }
  }

  private void tooLarge() {
    refuse(ApiException.of(413, "the body is larger than %d bytes", limits.bodyBytes()));
  }

  private void timeOut() {
    refuse(
        ApiException.of(
            408, "the body did not come within %d ms", limits.bodyTimeout().toMillis()));
  }

  private void refuse(ApiException error) {
    if (giveUp()) {
      refused.accept(error);
    }
  }

  /// Forgets what was read; whether it was not over before.
  private boolean giveUp() {
    boolean first = finish();
    if (first) {
      room.free(read.length());
      read = Buffer.buffer();
    }
    return first;
  }

  /// Whether it was not over before.
  private boolean finish() {
    boolean first = !over;
    over = true;
    vertx.cancelTimer(timer);
    return first;
  }
}
