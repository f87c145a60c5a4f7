package dev.yushan.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/// The playground: one file, a resource beside this class.
final class Page {
  private static final String RESOURCE = "playground.html";

  private Page() {}

  /// Throws a 404 if the distribution has none.
  static byte[] bytes() {
    try (InputStream in = Page.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        throw ApiException.of(404, "this distribution has no playground; see GET /openapi.json");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
