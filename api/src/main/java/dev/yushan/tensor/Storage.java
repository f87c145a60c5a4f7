package dev.yushan.tensor;

/// A block of memory that a backend owns: untyped, with a fixed size, zeroed when it is made. Only
/// its own backend knows where it lives; everybody else sees it through a [Tensor].
public interface Storage extends AutoCloseable {
  long bytes();

  boolean closed();

  /// Gives the memory back. A second call does nothing.
  @Override
  void close();
}
