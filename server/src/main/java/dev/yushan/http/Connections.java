package dev.yushan.http;

import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;

/// Ends connections whatever is still to be written: `close` of Vert.x first waits until the client
/// has taken all, which one that reads no more never does.
final class Connections {
  private Connections() {}

  static void cut(HttpConnection connection) {
    if (connection instanceof HttpServerConnection server) {
      server.channelHandlerContext().close();
    } else {
      connection.close();
    }
  }
}
