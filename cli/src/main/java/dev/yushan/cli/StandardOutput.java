package dev.yushan.cli;

/// Standard output as far as failures go: what prints to it swallows them.
final class StandardOutput {
  private StandardOutput() {}

  /// Whether all of what was printed could be written.
  static boolean sound() {
    return !System.out.checkError();
  }

  /// Ends a long stream of results that nobody gets.
  ///
  /// @throws IllegalStateException if something could not be written
  static void requireSound() {
    if (!sound()) {
      throw new IllegalStateException(
          "standard output cannot be written: its disk is full or its reader has gone; free some"
              + " space, or send it to another file");
    }
  }
}
