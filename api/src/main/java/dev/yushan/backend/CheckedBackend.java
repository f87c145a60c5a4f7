package dev.yushan.backend;

import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// A backend behind its contract: transfers are checked here, kernel calls by [CheckedKernels].
final class CheckedBackend extends ForwardingBackend {
  private final Kernels kernels;

  CheckedBackend(Backend backend) {
    super(backend);
    this.kernels = new CheckedKernels(backend);
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
}
