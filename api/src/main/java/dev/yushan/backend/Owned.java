package dev.yushan.backend;

import java.util.ArrayDeque;
import java.util.Deque;

/// What an object owns and closes with itself, the last first. A constructor that fails half way
/// closes it too, so that nothing of an object which never came to be stays on a device:
///
/// ```java
/// private final Owned owned = new Owned();
///
/// Cache(Backend backend) {
///   try {
///     keys = owned.add(backend.allocate(…));
///     values = owned.add(backend.allocate(…));
///   } catch (RuntimeException | Error e) {
///     owned.closeAfter(e);
///     throw e;
///   }
/// }
/// ```
public final class Owned implements AutoCloseable {
  private final Deque<AutoCloseable> resources = new ArrayDeque<>();

  /// Takes `resource` over, and returns it.
  public <T extends AutoCloseable> T add(T resource) {
    resources.push(resource);
    return resource;
  }

  /// Closes everything because of `failure`; what goes wrong in that is added to it.
  public void closeAfter(Throwable failure) {
    while (!resources.isEmpty()) {
      try {
        resources.pop().close();
      } catch (Throwable e) {
        failure.addSuppressed(e);
      }
    }
  }

  /// Closes everything, also where closing some of it fails.
  ///
  /// @throws IllegalStateException for the first that cannot be closed, with the others
  @Override
  public void close() {
    while (!resources.isEmpty()) {
      try {
        resources.pop().close();
      } catch (Exception e) {
        IllegalStateException failure = new IllegalStateException("cannot release: " + e, e);
        closeAfter(failure);
        throw failure;
      }
    }
  }
}
