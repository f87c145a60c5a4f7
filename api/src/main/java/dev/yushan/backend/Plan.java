package dev.yushan.backend;

/// A recorded sequence of kernel calls that can be run again: see [Backend#record].
public interface Plan extends AutoCloseable {
  /// Runs the calls in their order, on the tensors they were recorded with.
  void run();

  /// Gives back what the recording holds.
  @Override
  default void close() {}
}
