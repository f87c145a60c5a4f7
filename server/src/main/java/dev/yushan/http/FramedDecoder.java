package dev.yushan.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpMessage;
import io.vertx.core.MultiMap;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.core.http.impl.VertxHttpRequestDecoder;
import java.util.List;

/// Leaves in the head of a request what contradicts itself, so that it can be refused. Netty takes
/// a `Content-Length` beside `Transfer-Encoding` away, and what another server in front made of the
/// two is not known: requests could be smuggled past it (RFC 9112, 6.1).
final class FramedDecoder extends VertxHttpRequestDecoder {

  /// Whether nobody can say where the next request begins: nothing more is read.
  private boolean lost;

  private FramedDecoder(HttpServerOptions options) {
    super(options);
  }

  /// Has the heads of a connection read so. Before anything is read.
  static void on(HttpConnection connection, HttpServerOptions options) {
    if (connection instanceof HttpServerConnection server) {
      ChannelPipeline pipeline = server.channelHandlerContext().pipeline();
      String name = pipeline.context(VertxHttpRequestDecoder.class).name();
      pipeline.replace(name, name, new FramedDecoder(options));
    }
  }

  @Override
  protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
    lost = true;
  }

  @Override
  protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out)
      throws Exception {
    if (lost) {
      in.skipBytes(in.readableBytes());
    } else {
      super.decode(context, in, out);
    }
  }

  /// Refuses what contradicts itself, or does not say which host it is for.
  static void require(HttpServerRequest request) {
    MultiMap headers = request.headers();
    if (headers.contains(HttpHeaders.CONTENT_LENGTH)
        && headers.contains(HttpHeaders.TRANSFER_ENCODING)) {
      throw ApiException.badRequest(
          "", "the request has both `Content-Length` and `Transfer-Encoding`; send one of them");
    }
    if (request.version() == HttpVersion.HTTP_1_1 && headers.getAll(HttpHeaders.HOST).size() != 1) {
      throw ApiException.badRequest("", "the request must have one `Host` header");
    }
  }
}
