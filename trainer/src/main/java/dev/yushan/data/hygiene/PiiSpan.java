package dev.yushan.data.hygiene;

/// Personal data in a text: UTF-16 units `start` to `end` (exclusive).
public record PiiSpan(PiiKind kind, int start, int end) {
  /// The characters themselves.
  public String in(String text) {
    return text.substring(start, end);
  }
}
