package dev.yushan.http;

import java.util.function.Consumer;

/// Loads the model while the service already answers `/health`.
@FunctionalInterface
public interface ModelLoader {
  /// Called once, on a thread of its own, which is interrupted if the service is closed meanwhile.
  ///
  /// @param progress is told what is being done, and how far it has come
  LoadedModel load(Consumer<Loading> progress) throws InterruptedException;
}
