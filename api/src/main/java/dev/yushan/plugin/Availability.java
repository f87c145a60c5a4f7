package dev.yushan.plugin;

/// Whether something a plugin offers can be used on this machine, and if not, what would help.
public sealed interface Availability {
  /// Usable; `detail` says what was found, for example `2 threads, 512-bit vectors`.
  record Available(String detail) implements Availability {}

  /// Not usable here: the reason, and the remedy as an instruction to the reader.
  record Unavailable(String reason, String remedy) implements Availability {}

  /// Whether this is [Available].
  default boolean usable() {
    return this instanceof Available;
  }
}
