package dev.yushan.backend;

import dev.yushan.plugin.Plugin;

/// Finds out whether a backend can run here, and opens it. Registered with
/// [java.util.ServiceLoader]; use [Backends] to look one up.
public interface BackendProvider extends Plugin {
  /// Opens the backend.
  ///
  /// @throws BackendException if it cannot be opened with these options, saying what would help
  Backend open(BackendOptions options);
}
