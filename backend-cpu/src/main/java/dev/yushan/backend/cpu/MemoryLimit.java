package dev.yushan.backend.cpu;

import dev.yushan.backend.BackendOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/// How much memory the backend may take: what the machine has left, and no more than the option
/// `memory_bytes` where it is given. Asking first matters: systems that overcommit give out memory
/// that they do not have, and kill the process when it is touched.
record MemoryLimit(OptionalLong total) {
  private static final String OPTION = "memory_bytes";
  private static final Path MEMINFO = Path.of("/proc/meminfo");

  static MemoryLimit of(BackendOptions options) {
    String bytes = options.extra().get(OPTION);
    try {
      return new MemoryLimit(
          bytes == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(bytes)));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "the setting %s of the cpu backend must be a number of bytes, got '%s'"
              .formatted(OPTION, bytes),
          e);
    }
  }

  /// Bytes that can still be allocated when `used` are.
  long left(long used) {
    long machine = machineLeft();
    return total.isPresent() ? Math.min(machine, total.getAsLong() - used) : machine;
  }

  /// `MemAvailable` of Linux; elsewhere unlimited, and the system's refusal is what tells.
  private static long machineLeft() {
    if (!Files.isReadable(MEMINFO)) {
      return Long.MAX_VALUE;
    }
    try {
      List<String> lines = Files.readAllLines(MEMINFO);
      return lines.stream()
          .filter(line -> line.startsWith("MemAvailable:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst()
          .orElse(Long.MAX_VALUE);
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }
}
