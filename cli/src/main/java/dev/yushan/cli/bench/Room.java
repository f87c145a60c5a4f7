package dev.yushan.cli.bench;

import dev.yushan.backend.Backend;
import dev.yushan.backend.SizingBackend;
import dev.yushan.io.ByteSize;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Memory, asked for before it is taken: a process that is out of memory may be killed.
final class Room {
  private static final Logger LOG = LoggerFactory.getLogger(Room.class);

  private Room() {}

  /// Says what `layout` takes, by laying it out on a backend that has the features of `backend` and
  /// only counts.
  ///
  /// @param what for a message
  /// @param layout what is closed when it was counted
  /// @param less what to ask for to need less
  /// @throws IllegalArgumentException if `backend` has less
  static void require(
      Backend backend, String what, Function<Backend, AutoCloseable> layout, String less) {
    require(backend, what, bytes(backend, layout), less);
  }

  /// The same where the bytes are known.
  static void require(Backend backend, String what, long bytes, String less) {
    long available = backend.availableBytes();
    String free = available == Long.MAX_VALUE ? "an unknown amount" : ByteSize.words(available);
    if (bytes > available) {
      throw new IllegalArgumentException(
          "%s needs %s of memory, but %s are free; free some, or ask for less: %s"
              .formatted(what, ByteSize.words(bytes), free, less));
    }
    LOG.info("{} needs {} of memory; {} are free", what, ByteSize.words(bytes), free);
  }

  private static long bytes(Backend backend, Function<Backend, AutoCloseable> layout) {
    SizingBackend sizes = new SizingBackend(backend);
    AutoCloseable counted = layout.apply(sizes);
    long bytes = sizes.held();
    try {
      counted.close();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    return bytes;
  }
}
