package dev.yushan.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Files that grow by a line of JSON for each thing that happens at a step.
final class JsonLines {
  private static final ObjectMapper JSON = new ObjectMapper();

  private JsonLines() {}

  static void append(Path file, ObjectNode line) {
    try {
      Files.writeString(file, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(
          file + " cannot be written; free some space or make it writable, then continue the run",
          e);
    }
  }

  /// Forgets the lines of later steps than `steps`, for a run that goes on from there; and a line
  /// that a killed process did not finish. Returns the step of the last line that stays, -1 if none
  /// does.
  static long keepUpTo(Path file, String stepField, long steps) {
    long last = -1;
    if (!Files.exists(file)) {
      return last;
    }
    try {
      StringBuilder kept = new StringBuilder();
      // a line may be cut off in the midst of a character
      String all = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      for (String line : all.lines().toList()) {
        long step = step(line, stepField);
        if (step <= steps) {
          kept.append(line).append('\n');
          last = step;
        }
      }
      DurableFiles.write(file, kept.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
    return last;
  }

  /// The step of a line; none is later than that of a line that is not whole.
  private static long step(String line, String stepField) {
    try {
      return JSON.readTree(line).path(stepField).asLong(Long.MAX_VALUE);
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }
}
