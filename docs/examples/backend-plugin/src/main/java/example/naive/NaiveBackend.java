package example.naive;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/// Memory of the host, and plain loops over it. Calls are done when they return, so a plan is what
/// [Backend#record] makes by default, and a download has nothing to wait for.
final class NaiveBackend implements Backend {
  private final long limit;
  private final Set<Memory> open = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Kernels kernels = new NaiveKernels();
  private long used;

  NaiveBackend(long limit) {
    this.limit = limit;
  }

  /// What a tensor's storage is here. Elements start at a multiple of four bytes.
  final class Memory implements Storage {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;

    private Memory(long bytes) {
      segment = arena.allocate(bytes, 64); // zeroed
    }

    MemorySegment segment() {
      return segment;
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
    public void close() {
      if (open.remove(this)) {
        used -= bytes();
        arena.close();
      }
    }
  }

  @Override
  public String name() {
    return "naive";
  }

  @Override
  public String description() {
    return "naive: one thread, plain loops";
  }

  @Override
  public boolean supports(Feature feature) {
    return feature == Feature.TRAINING || feature == Feature.PAGED_ATTENTION;
  }

  @Override
  public Storage allocate(long bytes) {
    if (bytes > limit - used) {
      throw noRoom(bytes);
    }
    try {
      Memory memory = new Memory(bytes);
      open.add(memory);
      used += bytes;
      return memory;
    } catch (OutOfMemoryError e) {
      throw noRoom(bytes);
    }
  }

  private BackendException noRoom(long bytes) {
    return new BackendException(
        "naive backend: %,d bytes asked for, %,d left; use a smaller batch or model"
            .formatted(bytes, limit - used));
  }

  @Override
  public long availableBytes() {
    return limit - used;
  }

  @Override
  public boolean usesHostMemory() {
    return true;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    MemorySegment.copy(source, 0, Grid.memory(target), target.byteOffset(), target.bytes());
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    MemorySegment.copy(Grid.memory(source), source.byteOffset(), target, 0, source.bytes());
  }

  @Override
  public void close() {
    List.copyOf(open).forEach(Memory::close);
  }
}
