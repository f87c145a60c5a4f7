package dev.yushan.backend.cpu;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.DeviceLimits;
import dev.yushan.backend.Kernels;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Off-heap memory and a team of threads. Kernels run before their call returns.
final class CpuBackend implements Backend {
  private final MemoryLimit limit;
  private final ThreadTeam team;
  private final Kernels kernels;
  private final Set<CpuMemory> memory = ConcurrentHashMap.newKeySet();

  CpuBackend(int threads, MemoryLimit limit) {
    this.limit = limit;
    this.team = new ThreadTeam(threads);
    this.kernels = new CpuKernels(team);
  }

  /// The vector width in words.
  static String vectors() {
    return Lanes.F32.vectorBitSize() + "-bit vectors";
  }

  @Override
  public String name() {
    return "cpu";
  }

  @Override
  public String description() {
    return "%d thread(s), %s, Java %s".formatted(team.threads(), vectors(), Runtime.version());
  }

  @Override
  public Storage allocate(long bytes) {
    long available = availableBytes();
    if (bytes > available) {
      throw outOfMemory(bytes, available);
    }
    try {
      CpuMemory block = new CpuMemory(bytes, memory::remove);
      memory.add(block);
      return block;
    } catch (OutOfMemoryError e) {
      throw outOfMemory(bytes, available);
    }
  }

  private BackendException outOfMemory(long bytes, long available) {
    return new BackendException(
        ("the cpu backend cannot allocate %,d bytes: %,d are available and it holds %,d already;"
             + " choose a smaller model, batch or sequence length, or a machine with more memory")
            .formatted(bytes, available, held()));
  }

  private long held() {
    return memory.stream().mapToLong(CpuMemory::bytes).sum();
  }

  @Override
  public long availableBytes() {
    return limit.bytes() - held();
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
  public void freeze(Tensor matrix) {
    CpuMemory memory = (CpuMemory) matrix.storage();
    if (!memory.packed()) {
      Packed.pack(team, Matrix.of(matrix));
      memory.setPacked();
    }
  }

  @Override
  public double measureFlops() {
    return MeasuredLimits.flops(team);
  }

  @Override
  public Optional<DeviceLimits> measureLimits() {
    return Optional.of(MeasuredLimits.of(team, availableBytes()));
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    MemorySegment.copy(source, 0, Matrix.memory(target), 0, target.bytes());
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    MemorySegment.copy(Matrix.memory(source), 0, target, 0, source.bytes());
  }

  @Override
  public void close() {
    team.close();
    memory.forEach(CpuMemory::close);
  }
}
