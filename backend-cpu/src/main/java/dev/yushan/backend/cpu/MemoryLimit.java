package dev.yushan.backend.cpu;

import dev.yushan.backend.BackendOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// How much memory the backend may hold: what the machine had left when it was opened, and no more
/// than the setting `memory_bytes` where it is given. Asking first matters: systems that overcommit
/// give out memory that they do not have, and kill the process when it is touched.
record MemoryLimit(long bytes) {
  private static final String SETTING = "memory_bytes";
  private static final Path MEMINFO = Path.of("/proc/meminfo");

  static MemoryLimit of(BackendOptions options) {
    String bytes = options.extra().getOrDefault(SETTING, Long.toString(Long.MAX_VALUE));
    try {
      return new MemoryLimit(Math.min(Long.parseLong(bytes), machineLeft()));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "the setting %s of the cpu backend must be a number of bytes, got '%s'"
              .formatted(SETTING, bytes),
          e);
    }
  }

  /// `MemAvailable` of Linux; elsewhere unlimited, and the system's refusal is what tells.
  private static long machineLeft() {
    if (!Files.isReadable(MEMINFO)) {
      return Long.MAX_VALUE;
    }
    try (Stream<String> lines = Files.lines(MEMINFO)) {
      return lines
          .filter(line -> line.startsWith("MemAvailable:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst()
          .orElse(Long.MAX_VALUE);
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }
}
