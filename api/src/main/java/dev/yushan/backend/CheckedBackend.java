package dev.yushan.backend;

import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// A backend behind its contract: transfers are checked here, kernel calls by [CheckedKernels].
final class CheckedBackend implements Backend {
  private final Backend backend;
  private final Kernels kernels;

  CheckedBackend(Backend backend) {
    this.backend = backend;
    this.kernels = new CheckedKernels(backend);
  }

  @Override
  public String name() {
    return backend.name();
  }

  @Override
  public String description() {
    return backend.description();
  }

  @Override
  public Storage allocate(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("cannot allocate " + bytes + " bytes");
    }
    return backend.allocate(bytes);
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public void freeze(Tensor matrix) {
    if (matrix.storage().closed()) {
      throw new IllegalStateException("freeze of a closed tensor: " + matrix);
    }
    if (matrix.shape().rank() != 2 || matrix.bytes() != matrix.storage().bytes()) {
      throw new IllegalArgumentException("only a matrix with its own memory is frozen: " + matrix);
    }
    backend.freeze(matrix);
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    requireTransfer("upload", source, target);
    backend.upload(source, target);
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    requireTransfer("download", target, source);
    backend.download(source, target);
  }

  private static void requireTransfer(String what, MemorySegment host, Tensor tensor) {
    if (tensor.storage().closed()) {
      throw new IllegalStateException(what + " of a closed tensor: " + tensor);
    }
    if (!tensor.contiguous()) {
      throw new IllegalArgumentException(what + " needs a contiguous tensor, not " + tensor);
    }
    if (host.byteSize() != tensor.bytes()) {
      throw new IllegalArgumentException(
          "%s: %d host bytes do not match the %d bytes of %s"
              .formatted(what, host.byteSize(), tensor.bytes(), tensor));
    }
  }

  @Override
  public boolean supports(Feature feature) {
    return backend.supports(feature);
  }

  @Override
  public long availableBytes() {
    return backend.availableBytes();
  }

  @Override
  public boolean usesHostMemory() {
    return backend.usesHostMemory();
  }

  @Override
  public double measureFlops() {
    return backend.measureFlops();
  }

  @Override
  public Optional<DeviceLimits> measureLimits() {
    return backend.measureLimits();
  }

  @Override
  public Plan record(String name, Runnable body) {
    return backend.record(name, body);
  }

  @Override
  public void close() {
    backend.close();
  }
}
