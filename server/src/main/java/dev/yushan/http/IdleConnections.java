package dev.yushan.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Closes connections that bring no request: those that say nothing, and those that send the head
/// of one too slowly. A connection with a request under way is none of its business.
final class IdleConnections {
  private final Vertx vertx;
  private final long timeoutMillis;
  private final Map<HttpConnection, Watch> watches = new ConcurrentHashMap<>();

  /// Of one connection; used on its event loop only.
  private static final class Watch {
    private int requests;
    private long timer = -1;
  }

  IdleConnections(Vertx vertx, Duration timeout) {
    this.vertx = vertx;
    this.timeoutMillis = timeout.toMillis();
  }

  void opened(HttpConnection connection) {
    Watch watch = new Watch();
    watches.put(connection, watch);
    connection.closeHandler(
        nothing -> {
          watches.remove(connection);
          vertx.cancelTimer(watch.timer);
        });
    start(connection, watch);
  }

  /// A request began; the result is to be run when it has ended, or was lost.
  Runnable requested(HttpConnection connection) {
    Watch watch = watches.get(connection);
    if (watch == null) {
      return () -> {};
    }
    watch.requests++;
    vertx.cancelTimer(watch.timer);
    return () -> {
      if (--watch.requests == 0 && watches.containsKey(connection)) {
        start(connection, watch);
      }
    };
  }

  private void start(HttpConnection connection, Watch watch) {
    watch.timer = vertx.setTimer(timeoutMillis, id -> Connections.cut(connection));
  }
}
