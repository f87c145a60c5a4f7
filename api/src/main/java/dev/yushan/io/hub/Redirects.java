package dev.yushan.io.hub;

import java.io.IOException;
import java.net.URI;

/// Where an answer sends to, and whether the token may go with it.
final class Redirects {
  private Redirects() {}

  /// The address that `location` names, seen from `from`.
  ///
  /// @throws IOException if it may not be followed: from https to http anybody could read along
  static URI next(URI from, String location) throws IOException {
    URI next;
    try {
      next = from.resolve(URI.create(legal(location)));
    } catch (IllegalArgumentException e) {
      throw new IOException("%s sends to '%s', which is no address".formatted(from, location), e);
    }
    boolean web = "https".equals(next.getScheme()) || "http".equals(next.getScheme());
    if (!web || next.getHost() == null) {
      throw new IOException("%s sends to %s, which is no web address".formatted(from, next));
    }
    if ("https".equals(from.getScheme()) && "http".equals(next.getScheme())) {
      throw new IOException(
          "%s sends to %s, without encryption: this is not followed".formatted(from, next));
    }
    return next;
  }

  /// Whether two addresses are of one server: only then do they share what is secret.
  static boolean sameOrigin(URI a, URI b) {
    return a.getScheme().equalsIgnoreCase(b.getScheme())
        && a.getHost().equalsIgnoreCase(b.getHost())
        && port(a) == port(b);
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0
        ? uri.getPort()
        : uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
  }

  /// Signed addresses may have characters that belong percent-encoded.
  private static String legal(String location) {
    StringBuilder legal = new StringBuilder();
    for (byte b : location.getBytes(java.nio.charset.StandardCharsets.UTF_8)) {
      boolean asIs = b > ' ' && b < 127 && "\"<>\\^`{|}".indexOf(b) < 0;
      legal.append(asIs ? String.valueOf((char) b) : "%%%02X".formatted(b & 0xff));
    }
    return legal.toString();
  }
}
