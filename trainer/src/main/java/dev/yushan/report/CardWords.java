package dev.yushan.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// How a model card puts numbers and texts.
final class CardWords {
  private CardWords() {}

  /// A Markdown list of names and values.
  static String list(Map<String, String> items) {
    StringBuilder text = new StringBuilder();
    items.forEach((name, value) -> text.append("- **%s:** %s\n".formatted(name, value)));
    return text.toString();
  }

  static String whole(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  static String whole(JsonNode value) {
    return whole(value.asLong());
  }

  /// At most so many digits after the point, without zeros at the end.
  static String decimal(double value, int digits) {
    String text = String.format(Locale.ROOT, "%." + digits + "f", value);
    return text.contains(".") ? text.replaceFirst("\\.?0+$", "") : text;
  }

  static String decimal(JsonNode value, int digits) {
    return value.isNumber() ? decimal(value.asDouble(), digits) : "not recorded";
  }

  static String scientific(JsonNode value) {
    return value.isNumber() ? String.format(Locale.ROOT, "%.4e", value.asDouble()) : "not recorded";
  }

  static String duration(JsonNode seconds) {
    long all = Math.round(seconds.asDouble());
    return seconds.asDouble() < 60
        ? decimal(seconds.asDouble(), 2) + " s"
        : "%d:%02d:%02d".formatted(all / 3600, all / 60 % 60, all % 60);
  }

  static String gib(JsonNode bytes) {
    return decimal(bytes.asDouble() / (1L << 30), 2) + " GiB";
  }

  /// The texts of an array, or the one that stands in its place.
  static String joined(JsonNode values, String otherwise) {
    List<String> words = new ArrayList<>();
    (values.isTextual() ? List.of(values) : values).forEach(value -> words.add(value.asText()));
    return words.isEmpty() ? otherwise : String.join(", ", words);
  }

  /// A text in a cell of a table.
  static String cell(JsonNode text) {
    return text.asText().replace("|", "\\|");
  }

  static String oneLine(String text) {
    // a text of line breaks alone is one too
    return text.replaceAll("\\s*\\R\\s*", " ⏎ ").strip();
  }

  /// A span of code with a fence longer than any row of backticks in it.
  static String code(String text) {
    String fence = "`";
    while (text.contains(fence)) {
      fence += "`";
    }
    String space = text.isEmpty() || text.startsWith("`") || text.endsWith("`") ? " " : "";
    return fence + space + text + space + fence;
  }
}
