package dev.yushan.backend.cpu;

import dev.yushan.tensor.Storage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/// Off-heap memory, zeroed, aligned to a cache line.
final class CpuMemory implements Storage {
  private static final int ALIGNMENT = 64;

  private final Arena arena;
  private final MemorySegment segment;
  private final Consumer<CpuMemory> released;
  private boolean packed;

  /// @param released told when the memory is given back
  CpuMemory(long bytes, Consumer<CpuMemory> released) {
    this.arena = Arena.ofShared();
    this.released = released;
    try {
      this.segment = arena.allocate(bytes, ALIGNMENT);
    } catch (OutOfMemoryError e) {
      arena.close();
      throw e;
    }
  }

  MemorySegment segment() {
    return segment;
  }

  /// Whether what is in it is arranged as [Packed] says, and no longer row by row.
  boolean packed() {
    return packed;
  }

  void setPacked() {
    packed = true;
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
