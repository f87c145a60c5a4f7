package dev.yushan.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The playground: resources beside this class, put into one document, since a page that asked for
/// its parts would need a route for each.
final class Page {
  private static final Pattern STYLE = Pattern.compile("<link rel=\"stylesheet\" href=\"(.+?)\">");
  private static final Pattern SCRIPT = Pattern.compile("<script src=\"(.+?)\"></script>");

  private Page() {}

  /// Throws a 404 if the distribution has none.
  static byte[] bytes() {
    return text().getBytes(StandardCharsets.UTF_8);
  }

  static String text() {
    String styled = filled(resource("playground.html"), STYLE, "<style>\n", "</style>");
    return filled(styled, SCRIPT, "<script>\n", "</script>");
  }

  private static String filled(String page, Pattern reference, String before, String after) {
    return reference
        .matcher(page)
        .replaceAll(found -> Matcher.quoteReplacement(before + resource(found.group(1)) + after));
  }

  private static String resource(String name) {
    try (InputStream in = Page.class.getResourceAsStream(name)) {
      if (in == null) {
        throw ApiException.of(404, "this distribution has no playground; see GET /openapi.json");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
