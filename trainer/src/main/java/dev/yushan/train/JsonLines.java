package dev.yushan.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.io.DurableFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
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
  /// that a killed process did not finish.
  static void keepUpTo(Path file, String stepField, long steps) {
    if (!Files.exists(file)) {
      return;
    }
    try {
      StringBuilder kept = new StringBuilder();
      for (String line : Files.readAllLines(file)) {
        if (isUpTo(line, stepField, steps)) {
          kept.append(line).append('\n');
        }
      }
      DurableFiles.write(file, kept.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(file + " cannot be read", e);
    }
  }

  private static boolean isUpTo(String line, String stepField, long steps) {
    try {
      return JSON.readTree(line).path(stepField).asLong(Long.MAX_VALUE) <= steps;
    } catch (IOException e) {
      return false;
    }
  }
}
