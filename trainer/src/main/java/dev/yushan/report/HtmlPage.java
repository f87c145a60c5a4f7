package dev.yushan.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Pages that need nothing but themselves: what they show is in them as JSON, and scripts draw it.
final class HtmlPage {
  private HtmlPage() {}

  /// @param styles names of style sheets, after the common one
  /// @param scripts names of scripts, after the common one; they find `data` under that name
  static String of(String title, List<String> styles, List<String> scripts, JsonNode data) {
    return resource("page.html")
        .replace("{{title}}", escaped(title))
        .replace("{{style}}", resources("page.css", styles))
        .replace("{{script}}", resources("page.js", scripts))
        .replace("{{data}}", inScript(data));
  }

  private static String resources(String common, List<String> own) {
    return Stream.concat(Stream.of(common), own.stream())
        .map(name -> resource(name).strip())
        .collect(Collectors.joining("\n\n"));
  }

  /// Between script tags `<` could end them.
  private static String inScript(JsonNode data) {
    return data.toString().replace("<", "\\u003c");
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }

  private static String resource(String name) {
    try (InputStream in = HtmlPage.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
