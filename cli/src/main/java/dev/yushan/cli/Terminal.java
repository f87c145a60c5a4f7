package dev.yushan.cli;

import java.io.IOException;

/// The standard streams, of each of which the system says whether it is a terminal. The JDK says it
/// of input and output together, and nothing of errors.
enum Terminal {
  INPUT,
  OUTPUT,
  ERROR;

  /// Whether somebody sits there.
  boolean isThere() {
    try {
      String descriptor = String.valueOf(ordinal());
      return new ProcessBuilder("test", "-t", descriptor).inheritIO().start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
