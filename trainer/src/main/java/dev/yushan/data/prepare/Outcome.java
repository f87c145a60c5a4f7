package dev.yushan.data.prepare;

import java.util.Map;

/// What a stage makes of a document.
public sealed interface Outcome {
  /// What there is to count of it, each under a name, for the report.
  Map<String, Long> notes();

  /// It stays.
  ///
  /// @param text of now; the very text that came in where nothing was changed
  record Kept(String text, Map<String, Long> notes) implements Outcome {}

  /// It goes.
  ///
  /// @param reason a short name, of which there are few
  /// @param detail what was found, for whoever looks at this document
  record Dropped(String reason, String detail, Map<String, Long> notes) implements Outcome {}

  /// It stays, and there is nothing to count.
  static Outcome kept(String text) {
    return new Kept(text, Map.of());
  }

  /// It goes, and there is nothing to count.
  static Outcome dropped(String reason, String detail) {
    return new Dropped(reason, detail, Map.of());
  }
}
