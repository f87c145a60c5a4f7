package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.engine.Completion;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/// A request and its answer, with what the log wants to know of them. Answers may be given from any
/// thread.
final class Exchange {
  private static final Logger ACCESS = LoggerFactory.getLogger("dev.yushan.http.access");
  private static final Logger LOG = LoggerFactory.getLogger(HttpService.class);
  private static final double NANOS_PER_MILLI = 1e6;

  /// How long the rest of an unread body is read and forgotten: a connection that is closed with
  /// bytes unread takes the answer with it.
  static final long LINGER_MILLIS = 2000;

  /// The status in the log where the client went away before there was an answer, as nginx has it.
  private static final int LEFT = 499;

  /// Names a request, in both directions.
  static final String ID_HEADER = "X-Request-Id";

  private final HttpServerRequest request;
  private final Context context;
  private volatile String id;
  private final boolean named;
  private final long start = System.nanoTime();
  private final List<Runnable> atEnd = new ArrayList<>();
  private volatile Optional<Route> route = Optional.empty();
  private volatile int key = -1;
  private volatile Optional<Generation> generation = Optional.empty();
  private volatile boolean over;

  /// Whether the answer comes before the body and ends the connection. On the event loop.
  private boolean unread;

  private volatile boolean answered;

  /// On the event loop.
  ///
  /// @param given the client's `X-Request-Id`, which is used if it is plain
  Exchange(Vertx vertx, HttpServerRequest request, String given) {
    this.request = request;
    this.context = vertx.getOrCreateContext();
    this.named = Texts.isPlain(given);
    this.id = named ? given : UUID.randomUUID().toString().replace("-", "");
    HttpServerResponse response = request.response();
    response.exceptionHandler(lost -> end(false));
    response.closeHandler(lost -> end(false));
    response.endHandler(
        nothing -> {
          if (unread) {
            vertx.setTimer(LINGER_MILLIS, timer -> Connections.cut(request.connection()));
          }
          end(true);
        });
  }

  /// The answer is given, or the client is gone.
  private void end(boolean given) {
    List<Runnable> actions;
    synchronized (atEnd) {
      if (over) {
        return;
      }
      over = true;
      answered = given;
      actions = List.copyOf(atEnd);
    }
    actions.forEach(Runnable::run);
  }

  /// Has `action` run once, when the answer is given or the client gone: now if that is so already.
  void atEnd(Runnable action) {
    synchronized (atEnd) {
      if (!over) {
        atEnd.add(action);
        return;
      }
    }
    action.run();
  }

  void routed(Route found) {
    route = Optional.of(found);
  }

  Optional<Route> route() {
    return route;
  }

  /// That of the answer, or [#LEFT].
  int status() {
    return answered || response().headWritten() ? response().getStatusCode() : LEFT;
  }

  void authenticated(int number) {
    key = number;
  }

  HttpServerRequest request() {
    return request;
  }

  HttpServerResponse response() {
    return request.response();
  }

  String id() {
    return id;
  }

  int key() {
    return key;
  }

  /// Runs on the event loop of the connection.
  void onLoop(Runnable action) {
    context.runOnContext(nothing -> action.run());
  }

  /// The last part of the answer's id: the header's name for it comes before that of the body.
  String name(Optional<String> requested) {
    requested.filter(plain -> !named && Texts.isPlain(plain)).ifPresent(this::rename);
    return id;
  }

  private void rename(String name) {
    id = name;
    onLoop(
        () -> {
          if (response().headers().contains(ID_HEADER)) {
            headerIfOpen(ID_HEADER, name);
          }
        });
  }

  /// Whether the answer is given, or the client gone.
  boolean over() {
    return over || response().ended() || response().closed();
  }

  /// Tells the client, and the log, of fields that had no effect.
  void ignored(List<Body.Unknown> fields) {
    if (!fields.isEmpty()) {
      String hints = listed(fields, field -> field.name() + field.hint());
      LOG.warn("request {} has unknown fields, which had no effect: {}", id, hints);
      String names = listed(fields, Body.Unknown::name);
      onLoop(() -> headerIfOpen("X-Ignored-Fields", names));
    }
  }

  private static String listed(List<Body.Unknown> fields, Function<Body.Unknown, String> words) {
    String all = fields.stream().map(words).collect(Collectors.joining(", "));
    return all.replaceAll("[^\\x20-\\x7e]", "?");
  }

  /// What the engine does for it.
  void follow(Generation begun) {
    generation = Optional.of(begun);
  }

  void json(int status, JsonNode body) {
    bytes(status, "application/json", Json.bytes(body));
  }

  void bytes(int status, String type, byte[] body) {
    onLoop(
        () -> {
          if (!over() && !response().headWritten()) {
            if (!request.isEnded()) {
              unread = true;
              response().putHeader("Connection", "close");
            }
            response()
                .setStatusCode(status)
                .putHeader("Content-Type", type)
                .end(Buffer.buffer(body));
          }
        });
  }

  /// Sends the client to another place, to which it is to make the same request.
  void redirect(String location) {
    onLoop(() -> headerIfOpen("Location", location));
    bytes(307, "text/plain", new byte[0]);
  }

  void fail(ApiException error) {
    if (error.status() == 429 || error.status() == 503) {
      onLoop(() -> headerIfOpen("Retry-After", "1"));
    }
    if (error.status() == 401) {
      onLoop(() -> headerIfOpen("WWW-Authenticate", "Bearer"));
    }
    json(error.status(), error.json());
  }

  private void headerIfOpen(String name, String value) {
    if (!over() && !response().headWritten()) {
      response().putHeader(name, value);
    }
  }

  /// One line, of a request that was left when the engine has let go of it; none of what needs no
  /// key.
  void log() {
    if (route.map(Route::open).orElse(false)) {
      return;
    }
    Optional<Generation> left = answered ? Optional.empty() : generation;
    left.ifPresentOrElse(begun -> begun.whenDone(() -> onLoop(this::line)), this::line);
  }

  /// The times are those of the slowest of the texts.
  private void line() {
    boolean polled = route.filter(Route::polled).isPresent();
    Level level = polled ? Level.DEBUG : Level.INFO;
    if (!ACCESS.isEnabledForLevel(level)) {
      return;
    }
    List<Completion> all = generation.map(Generation::completions).orElse(List.of());
    ACCESS
        .atLevel(level)
        .log(
            "id={} key={} method={} path={} status={} prompt_tokens={} cached_tokens={}"
                + " output_tokens={} queue_ms={} prefill_ms={} decode_ms={} total_ms={} finish={}",
            id,
            key,
            request.method(),
            quoted(request.path()),
            status(),
            all.stream().mapToInt(Completion::promptTokens).max().orElse(0),
            all.stream().mapToInt(Completion::cachedTokens).max().orElse(0),
            all.stream().mapToInt(Completion::outputTokens).sum(),
            slowest(all.stream(), at -> at.scheduled() - at.arrived()),
            slowest(begun(all), at -> at.firstToken() - at.scheduled()),
            slowest(begun(all), at -> at.ended() - at.firstToken()),
            millis(System.nanoTime() - start),
            answered ? reasons(all) : "disconnect");
  }

  private static String reasons(List<Completion> all) {
    String reasons =
        all.stream()
            .map(done -> Reply.reason(done.reason()))
            .distinct()
            .sorted()
            .collect(Collectors.joining(","));
    return reasons.isEmpty() ? "-" : reasons;
  }

  private static Stream<Completion> begun(List<Completion> all) {
    return all.stream().filter(done -> done.outputTokens() > 0);
  }

  private static String slowest(Stream<Completion> all, ToLongFunction<Completion.Timings> span) {
    return millis(all.mapToLong(done -> span.applyAsLong(done.timings())).max().orElse(0));
  }

  private static String millis(long nanos) {
    return "%.1f".formatted(nanos / NANOS_PER_MILLI);
  }

  /// A path as it may stand in a line: short, and without what would end it or forge another.
  private static String quoted(String path) {
    String text = path == null ? "-" : path.replaceAll("[^\\x21-\\x7e]", "?");
    return text.length() <= 200 ? text : text.substring(0, 200) + "...";
  }
}
