package dev.yushan.backend;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A backend whose tensors lie in the memory of the host, and whose kernels are done when their
/// call returns. Memory and transfers are here; a name and [#kernels] are what is left to add.
public abstract class HostBackend implements Backend {
  private final long limit;
  private final Set<HostStorage> open = ConcurrentHashMap.newKeySet();

  /// Holds what the machine has left now, and no more than the setting `memory_bytes` where it is
  /// given. Where the machine does not tell, its refusal does.
  protected HostBackend(BackendOptions options) {
    limit = Math.min(options.memoryBytes(), HostMemory.read().available());
  }

  /// Memory from the first element of a tensor on, little endian, without alignment.
  ///
  /// @throws IllegalStateException if it is frozen
  public static MemorySegment memory(Tensor t) {
    HostStorage storage = storage(t);
    if (storage.frozen()) {
      throw new IllegalStateException(
          t + " is frozen: it can be multiplied by and looked up in, not read or written");
    }
    return storage.segment().asSlice(t.byteOffset());
  }

  /// The storage of a tensor of this kind of backend.
  public static HostStorage storage(Tensor t) {
    if (t.storage() instanceof HostStorage storage) {
      return storage;
    }
    throw new IllegalArgumentException(t + " is not in the memory of the host");
  }

  /// Rows of a tensor that count: all of them, or as many as its live count says.
  public static long liveRows(Tensor t) {
    if (t.count().isEmpty()) {
      return t.rows();
    }
    Tensor.Count count = t.count().get();
    int live = memory(count.rows()).get(JAVA_INT_UNALIGNED, 0);
    return Math.clamp(live - count.start(), 0, t.rows());
  }

  @Override
  public HostStorage allocate(long bytes) {
    long available = availableBytes();
    if (bytes > available) {
      throw outOfMemory(bytes, available);
    }
    try {
      HostStorage storage = new HostStorage(bytes, open::remove);
      open.add(storage);
      return storage;
    } catch (OutOfMemoryError e) {
      throw outOfMemory(bytes, available);
    }
  }

  private BackendException outOfMemory(long bytes, long available) {
    return new BackendException(
        ("the %s backend cannot allocate %,d bytes: %,d are available and it holds %,d already;"
             + " choose a smaller model, batch or sequence length, or a machine with more memory")
            .formatted(name(), bytes, available, held()));
  }

  private long held() {
    return open.stream().mapToLong(HostStorage::bytes).sum();
  }

  @Override
  public long availableBytes() {
    return limit - held();
  }

  @Override
  public boolean usesHostMemory() {
    return true;
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    MemorySegment.copy(source, 0, memory(target), 0, target.bytes());
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    MemorySegment.copy(memory(source), 0, target, 0, source.bytes());
  }

  @Override
  public void close() {
    open.forEach(HostStorage::close);
  }
}
