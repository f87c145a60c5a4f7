package dev.yushan.backend;

import dev.yushan.tensor.Storage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/// Memory of the host, which a [HostBackend] gives out: zeroed, aligned to a cache line.
public final class HostStorage implements Storage {
  private static final int ALIGNMENT = 64;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment segment;
  private final Consumer<HostStorage> released;
  private boolean frozen;

  /// @param released told when the memory is given back
  HostStorage(long bytes, Consumer<HostStorage> released) {
    this.released = released;
    try {
      this.segment = arena.allocate(bytes, ALIGNMENT);
    } catch (OutOfMemoryError e) {
      arena.close();
      throw e;
    }
  }

  /// All of it.
  public MemorySegment segment() {
    return segment;
  }

  /// Whether [Backend#freeze] has arranged what is in it, so that it no longer lies row by row.
  public boolean frozen() {
    return frozen;
  }

  /// Says that what is in it has been arranged.
  public void setFrozen() {
    frozen = true;
  }

  @Override
  public long bytes() {
    return segment.byteSize();
  }

  @Override
  public boolean closed() {
    return !arena.scope().isAlive();
  }

  @Override
  public synchronized void close() {
    if (!closed()) {
      arena.close();
      released.accept(this);
    }
  }
}
