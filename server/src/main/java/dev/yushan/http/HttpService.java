package dev.yushan.http;

import dev.yushan.engine.Engine;
import dev.yushan.http.ServerConfig.Tls;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The OpenAI-compatible service: answers from its start, first that the model is being loaded.
public final class HttpService implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HttpService.class);

  /// How long finished answers may take to reach their clients once everything else has ended.
  private static final Duration FLUSH = Duration.ofSeconds(2);

  /// Files are not served: without this a directory for copies of them is made, which fails where
  /// nothing can be written.
  private static final FileSystemOptions NO_COPIES =
      new FileSystemOptions().setClassPathResolvingEnabled(false).setFileCachingEnabled(false);

  private final ServerConfig config;
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setFileSystemOptions(NO_COPIES));
  private final Handlers handlers;
  private final HttpServer server;
  private final CompletableFuture<LoadedModel> ready = new CompletableFuture<>();
  private final Thread loading;
  private final AtomicBoolean stopped = new AtomicBoolean();

  private HttpService(ServerConfig config, ModelLoader loader) {
    this.config = config;
    this.handlers = new Handlers(vertx, config);
    this.server = listen();
    this.loading = Thread.ofPlatform().name("model-loader").unstarted(() -> load(loader));
  }

  /// Listens, and begins to load the model.
  ///
  /// @throws IllegalStateException if the port is taken or the TLS files will not do
  public static HttpService start(ServerConfig config, ModelLoader loader) {
    HttpService service = new HttpService(config, loader);
    service.loading.start();
    return service;
  }

  private HttpServer listen() {
    HttpServerOptions options =
        new HttpServerOptions()
            .setHost(config.host())
            .setPort(config.port())
            .setTcpKeepAlive(true)
            .setAcceptBacklog(1024)
            .setHandle100ContinueAutomatically(true)
            // HTTP/1.1 only, as vLLM: time limits count for connections
            .setHttp2ClearTextEnabled(false)
            .setUseAlpn(false);
    config.tls().ifPresent(tls -> options.setSsl(true).setKeyCertOptions(pem(tls)));
    IdleConnections idle = new IdleConnections(vertx, config.limits().idleTimeout());
    try {
      return vertx
          .createHttpServer(options)
          .connectionHandler(
              connection -> {
                FramedDecoder.on(connection, options);
                idle.opened(connection);
              })
          .requestHandler(request -> handlers.accept(request, idle.requested(request.connection())))
          .listen()
          .toCompletionStage()
          .toCompletableFuture()
          .get();
    } catch (ExecutionException e) {
      vertx.close();
      throw new IllegalStateException(
          "cannot listen on %s:%d: %s; %s"
              .formatted(
                  config.host(),
                  config.port(),
                  e.getCause().getMessage(),
                  isOfNetwork(e.getCause())
                      ? "choose another --host or --port"
                      : "check --ssl-keyfile and --ssl-certfile"),
          e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      vertx.close();
      throw new IllegalStateException("interrupted while starting to listen", e);
    }
  }

  private static boolean isOfNetwork(Throwable cause) {
    return cause instanceof SocketException || cause instanceof UnknownHostException;
  }

  private static PemKeyCertOptions pem(Tls tls) {
    return new PemKeyCertOptions()
        .setKeyPath(tls.key().toString())
        .setCertPath(tls.certificate().toString());
  }

  private void load(ModelLoader loader) {
    try {
      LoadedModel model = loader.load(handlers::progress);
      if (handlers.ready(model)) {
        LOG.info("ready: {} on port {}", config.modelNames(), port());
        ready.complete(model);
      } else {
        model.close();
        ready.cancel(false);
      }
    } catch (InterruptedException e) {
      ready.cancel(false);
    } catch (RuntimeException | Error e) {
      if (stopped.get()) {
        // what is interrupted may throw anything, drivers above all
        LOG.debug("loading was broken off", e);
        ready.cancel(false);
        return;
      }
      LOG.error("the model could not be loaded"); // why, whoever waits for it is told
      handlers.failed(e.getMessage());
      ready.completeExceptionally(e);
    }
  }

  /// The port that it listens on.
  public int port() {
    return server.actualPort();
  }

  /// How far loading has come.
  public Loading loading() {
    return handlers.loading();
  }

  /// Completes when the model is loaded, exceptionally if it cannot be: with a
  /// [java.util.concurrent.CancellationException] if the service was stopped before.
  public CompletableFuture<LoadedModel> ready() {
    return ready.copy();
  }

  /// Takes no more requests, lets those that it has go on up to the shutdown timeout, and ends.
  /// Those that are still not done end with what they have. A second call does nothing.
  ///
  /// @return whether all were done in time
  public boolean stop() {
    if (stopped.getAndSet(true)) {
      return true;
    }
    Optional<Served> served = handlers.drain();
    loading.interrupt();
    boolean done = true;
    try {
      if (served.isPresent()) {
        Engine engine = served.get().model().engine();
        done = engine.drain(config.shutdownTimeout());
        engine.close(); // ends those that are not done
        handlers.awaitAnswers(FLUSH);
      }
      server.close().toCompletionStage().toCompletableFuture().get();
      vertx.close().toCompletionStage().toCompletableFuture().get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      done = false;
    } catch (ExecutionException e) {
      LOG.warn("the server did not close as it should", e.getCause());
    }
    served.ifPresent(Served::close);
    return done;
  }

  @Override
  public void close() {
    stop();
  }
}
