package dev.yushan.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;

/// Standard output as far as failures go: what prints to it swallows them.
final class StandardOutput {
  private StandardOutput() {}

  /// Whether all of what was printed could be written.
  static boolean sound() {
    return !System.out.checkError();
  }

  /// The exit code of a program that a closed pipe has ended, as shells show it.
  static final int READER_HAS_GONE = 141;

  /// Whether output failed because the program that read it has ended, as `head` does: then there
  /// is nothing to complain about. Only after a failure: it tries to write.
  static boolean readerHasGone() {
    try {
      // not closed: it is standard output
      new FileOutputStream(FileDescriptor.out).write('\n');
      return false;
    } catch (IOException e) {
      return String.valueOf(e.getMessage()).contains("Broken pipe");
    }
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
