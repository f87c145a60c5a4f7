package dev.yushan.backend.cpu;

import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.HostMemory;

/// How much memory the backend may hold: what the machine had left when it was opened, and no more
/// than the setting `memory_bytes` where it is given. Where the machine does not tell, its refusal
/// does.
record MemoryLimit(long bytes) {
  private static final String SETTING = "memory_bytes";

  static MemoryLimit of(BackendOptions options) {
    String bytes = options.extra().getOrDefault(SETTING, Long.toString(Long.MAX_VALUE));
    try {
      return new MemoryLimit(Math.min(Long.parseLong(bytes), HostMemory.read().available()));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "the setting %s of the cpu backend must be a number of bytes, got '%s'"
              .formatted(SETTING, bytes),
          e);
    }
  }
}
