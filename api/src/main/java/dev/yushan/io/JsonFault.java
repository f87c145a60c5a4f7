package dev.yushan.io;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;

/// What is wrong with a JSON or YAML text, in one line and without what only programmers of the
/// parser understand.
///
/// @param what the fault
/// @param line from 1; 0 if unknown
/// @param column from 1; 0 if unknown
public record JsonFault(String what, int line, int column) {
  /// The fault that a parser found.
  public static JsonFault of(JsonProcessingException e) {
    // YAML first tells what was being read, and shows the place in indented lines
    String first =
        e.getOriginalMessage()
            .lines()
            .filter(text -> !text.startsWith("while ") && !text.startsWith(" "))
            .findFirst()
            .orElse("broken");
    String what =
        first
            .replaceFirst("\\s*(\\(start marker )?at \\[Source: .*", "")
            .replaceFirst(": enable `\\S+` to allow", "")
            .replaceFirst(" \\(bound as `\\S+`\\): not allowed as per `\\S+`", "")
            .replaceFirst(", from `\\S+`", "");
    JsonLocation at = e.getLocation();
    return at == null
        ? new JsonFault(what, 0, 0)
        : new JsonFault(what, Math.max(0, at.getLineNr()), Math.max(0, at.getColumnNr()));
  }

  /// `line 3, column 7: …`, as far as that is known.
  @Override
  public String toString() {
    return line == 0 ? what : "line %d, column %d: %s".formatted(line, column, what);
  }
}
