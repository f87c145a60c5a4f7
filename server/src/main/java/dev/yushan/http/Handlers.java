package dev.yushan.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.engine.Completion;
import dev.yushan.engine.QueueFullException;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What each route does. Requests arrive on event loops, which only move bytes: JSON is read, text
/// tokenized, and prompts rendered on virtual threads.
final class Handlers {
  private static final Logger LOG = LoggerFactory.getLogger(HttpService.class);

  private static final Pattern CHARSET =
      Pattern.compile(";\\s*charset\\s*=\\s*\"?([^\";\\s]*)", Pattern.CASE_INSENSITIVE);

  private enum Phase {
    LOADING,
    READY,
    DRAINING,
    FAILED
  }

  /// @param loading how far loading has come; in the other phases what they are
  private record State(Phase phase, Loading loading, Optional<Served> served) {}

  private final Vertx vertx;
  private final ServerConfig config;
  private final Keys keys;
  private final Cors cors;
  private final BodyRoom room;
  private final long started = System.currentTimeMillis() / 1000;
  private final ExecutorService workers =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("http-worker-", 0).factory());
  private final AtomicReference<State> state =
      new AtomicReference<>(new State(Phase.LOADING, new Loading("starting", 0), Optional.empty()));
  private final AtomicInteger generating = new AtomicInteger();

  Handlers(Vertx vertx, ServerConfig config) {
    this.vertx = vertx;
    this.config = config;
    this.keys = new Keys(config.apiKeys(), config.limits().requestsPerKey());
    this.cors = new Cors(config.allowedOrigins());
    this.room = new BodyRoom(config.limits().allBodyBytes());
  }

  void progress(Loading loading) {
    state.updateAndGet(
        now -> now.phase() == Phase.LOADING ? new State(now.phase(), loading, now.served()) : now);
  }

  Loading loading() {
    return state.get().loading();
  }

  /// There will be no model; progress that is told later changes nothing.
  void failed(String why) {
    Loading failed = new Loading("failed: " + why, 0);
    state.updateAndGet(
        now ->
            now.phase() == Phase.LOADING ? new State(Phase.FAILED, failed, Optional.empty()) : now);
  }

  /// False if the service ends already.
  boolean ready(LoadedModel model) {
    Served served = Served.of(model, config);
    State next =
        state.updateAndGet(
            now ->
                now.phase() == Phase.LOADING
                    ? new State(Phase.READY, new Loading("ready", 1), Optional.of(served))
                    : now);
    return next.phase() == Phase.READY;
  }

  /// Takes no more requests; what served them, unless it was taken before.
  Optional<Served> drain() {
    State ending = new State(Phase.DRAINING, new Loading("ending", 1), Optional.empty());
    return state.getAndSet(ending).served();
  }

  /// Waits until all answers are with the network.
  void awaitAnswers(Duration timeout) throws InterruptedException {
    long end = System.nanoTime() + timeout.toNanos();
    while (generating.get() > 0 && System.nanoTime() < end) {
      Thread.sleep(5);
    }
  }

  /// @param ended to be run when the answer is given, or the client gone
  void accept(HttpServerRequest request, Runnable ended) {
    String given = Optional.ofNullable(request.getHeader(Exchange.ID_HEADER)).orElse("");
    Exchange exchange = new Exchange(vertx, request, given);
    exchange.atEnd(ended);
    exchange.atEnd(() -> count(exchange));
    if (config.logRequests()) {
      exchange.atEnd(exchange::log);
    }
    if (config.requestIdHeaders()) {
      request.response().putHeader(Exchange.ID_HEADER, exchange.id());
    }
    try {
      FramedDecoder.require(request);
      if (cors.answered(request)) {
        return;
      }
      Optional<String> place = Route.withoutSlash(request);
      if (place.isPresent()) {
        exchange.redirect(place.get());
        return;
      }
      Optional<Route> route = Route.of(request);
      route.ifPresent(exchange::routed);
      authenticate(exchange, route);
      dispatch(
          exchange,
          route.orElseThrow(
              () -> ApiException.of(404, "there is nothing here; see GET /openapi.json")));
    } catch (ApiException e) {
      exchange.fail(e);
    }
  }

  private void count(Exchange exchange) {
    String method = exchange.request().method().name();
    String handler = exchange.route().map(Route::path).orElse("none");
    state
        .get()
        .served()
        .ifPresent(served -> served.metrics().answered(method, handler, exchange.status()));
  }

  private void authenticate(Exchange exchange, Optional<Route> route) {
    boolean open = route.map(Route::open).orElse(false);
    if (!open) {
      String header = Optional.ofNullable(exchange.request().getHeader("Authorization")).orElse("");
      int key =
          keys.find(header)
              .orElseThrow(
                  () ->
                      ApiException.of(
                          401,
                          header.isEmpty()
                              ? "an API key is needed: send `Authorization: Bearer <key>`"
                              : "the API key in `Authorization: Bearer <key>` is none of this"
                                  + " server's"));
      exchange.authenticated(key);
    }
  }

  private void dispatch(Exchange exchange, Route route) {
    State now = state.get();
    if (route.needsModel() && now.phase() != Phase.READY) {
      throw notReady(now);
    }
    if (route.fields().isEmpty()) {
      answer(exchange, route, now);
      return;
    }
    requireJson(exchange.request());
    if (route.generates()) {
      enter(exchange);
    }
    RequestBody.read(
        vertx,
        exchange.request(),
        config.limits(),
        room,
        body -> workers.execute(() -> answer(exchange, route, now, body)),
        exchange::fail);
  }

  private static ApiException notReady(State now) {
    return ApiException.of(503, "the server takes no requests now: %s", now.loading().what());
  }

  private static void requireJson(HttpServerRequest request) {
    String type = Optional.ofNullable(request.getHeader("Content-Type")).orElse("");
    String essence = type.split(";", 2)[0].strip();
    if (!essence.equalsIgnoreCase("application/json")) {
      throw ApiException.badRequest("", "the body must come as `Content-Type: application/json`");
    }
    Matcher charset = CHARSET.matcher(type);
    if (charset.find() && !charset.group(1).equalsIgnoreCase("utf-8")) {
      throw ApiException.of(415, "the body must be in UTF-8, not in %s", charset.group(1));
    }
    String coding = Optional.ofNullable(request.getHeader("Content-Encoding")).orElse("identity");
    if (!coding.equalsIgnoreCase("identity")) {
      throw ApiException.of(415, "the body must come as it is, without `Content-Encoding`");
    }
  }

  /// Takes a place of the key's, and gives it back at the end.
  private void enter(Exchange exchange) {
    if (!keys.enter(exchange.key())) {
      throw ApiException.of(
          429,
          "%d requests of this key are under way, no more are allowed; try again later",
          config.limits().requestsPerKey());
    }
    generating.incrementAndGet();
    exchange.atEnd(
        () -> {
          keys.leave(exchange.key());
          generating.decrementAndGet();
        });
  }

  /// Turns what goes wrong into an answer.
  private static void guarded(Exchange exchange, Runnable action) {
    try {
      action.run();
    } catch (ApiException e) {
      exchange.fail(e);
    } catch (RuntimeException | Error e) {
      LOG.error("request {} failed", exchange.id(), e);
      exchange.fail(
          ApiException.of(500, "internal error; see the server's log for %s", exchange.id()));
    }
  }

  /// Requests without a body.
  private void answer(Exchange exchange, Route route, State now) {
    if (route == Route.HEALTH || route == Route.PING || route == Route.PING_POST) {
      health(exchange, now);
    } else if (route == Route.VERSION) {
      exchange.json(200, Json.object().put("version", Version.OF_SERVER));
    } else if (route == Route.LOAD) {
      exchange.json(200, Json.object().put("server_load", generating.get()));
    } else if (route == Route.METRICS) {
      String text = now.served().orElseThrow().metrics().scrape();
      exchange.bytes(200, "text/plain; version=0.0.4; charset=utf-8", utf8(text));
    } else if (route == Route.OPENAPI) {
      exchange.json(200, OpenApi.document());
    } else if (route == Route.PAGE) {
      exchange.bytes(200, "text/html; charset=utf-8", Page.bytes());
    } else {
      models(exchange, route, now.served().orElseThrow());
    }
  }

  private static void health(Exchange exchange, State now) {
    boolean failed = now.served().map(served -> !served.model().engine().isRunning()).orElse(false);
    ObjectNode health =
        Json.object()
            .put("status", failed ? "failed" : now.phase().name().toLowerCase(Locale.ROOT))
            .put("progress", failed ? "the engine has stopped; start again" : now.loading().what());
    if (now.phase() == Phase.LOADING) {
      health.put("done", now.loading().thousandths());
    }
    exchange.json(now.phase() == Phase.READY && !failed ? 200 : 503, health);
  }

  /// Requests with one, on a thread that may take its time.
  private void answer(Exchange exchange, Route route, State now, Buffer body) {
    try {
      guarded(exchange, () -> answer(exchange, route, now, body.getBytes()));
    } finally {
      room.free(body.length());
    }
  }

  private void answer(Exchange exchange, Route route, State now, byte[] bytes) {
    Served served = now.served().orElseThrow();
    Body body = Body.parse(bytes, route.fields());
    exchange.ignored(body.unknown());
    if (route == Route.TOKENIZE) {
      exchange.json(200, Tokens.tokenize(body, served));
    } else if (route == Route.DETOKENIZE) {
      exchange.json(200, Tokens.detokenize(body, served));
    } else {
      generate(exchange, route, served, body);
    }
  }

  private void generate(Exchange exchange, Route route, Served served, Body body) {
    boolean chat = route == Route.CHAT;
    String id = (chat ? "chatcmpl-" : "cmpl-") + exchange.name(body.text("request_id"));
    GenerationRequest request =
        chat ? served.reader().chat(body, id) : served.reader().completion(body, id);
    Generation generation =
        new Generation(request, served.metrics(), config.limits().pendingTokens());
    Reply reply =
        new Reply(
            request,
            new Logprobs(served.model().tokenizer(), request.tokensAsIds()),
            System.currentTimeMillis() / 1000);
    exchange.atEnd(generation::cancel);
    if (exchange.over()) {
      return;
    }
    submit(generation, served);
    exchange.follow(generation);
    if (request.stream()) {
      EventStream events =
          new EventStream(
              vertx, exchange, generation, request, reply, config.limits().stallTimeout());
      exchange.onLoop(events::start);
    } else {
      generation.whenDone(
          () -> workers.execute(() -> guarded(exchange, () -> whole(exchange, generation, reply))));
    }
  }

  private void submit(Generation generation, Served served) {
    try {
      generation.submit(served.model().engine());
    } catch (QueueFullException e) {
      throw state.get().phase() == Phase.READY
          ? ApiException.of(429, "%s", String.valueOf(e.getMessage()))
          : notReady(state.get());
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest(
          generation.chat() ? "messages" : "prompt", "%s", String.valueOf(e.getMessage()));
    }
  }

  private static void whole(Exchange exchange, Generation generation, Reply reply) {
    List<Completion> ends = generation.completions();
    Optional<ApiException> failure =
        ends.stream().map(ApiException::of).flatMap(Optional::stream).findFirst();
    if (failure.isPresent()) {
      throw failure.get();
    }
    exchange.json(200, reply.whole(generation.choices(), generation.usage()));
  }

  private void models(Exchange exchange, Route route, Served served) {
    if (route == Route.MODELS) {
      ObjectNode list = Json.object().put("object", "list");
      ArrayNode data = list.putArray("data");
      config.modelNames().forEach(name -> data.add(model(name, served.model())));
      exchange.json(200, list);
      return;
    }
    String path = exchange.request().path();
    String name = decoded(path.substring(Route.MODEL.path().indexOf('{')));
    if (!config.modelNames().contains(name)) {
      throw ApiException.unknownModel(name);
    }
    exchange.json(200, model(name, served.model()));
  }

  private static String decoded(String text) {
    try {
      return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest("model", "the path is not URL-encoded as it should be");
    }
  }

  private ObjectNode model(String name, LoadedModel loaded) {
    ObjectNode card =
        Json.object()
            .put("id", name)
            .put("object", "model")
            .put("created", started)
            .put("owned_by", "yushan")
            .put("root", loaded.root())
            .putNull("parent")
            .put("max_model_len", loaded.engine().config().maxModelLen());
    card.putArray("permission");
    return card;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
