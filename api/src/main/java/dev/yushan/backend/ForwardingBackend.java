package dev.yushan.backend;

import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// A backend that is another one, but for what a subclass changes.
public abstract class ForwardingBackend implements Backend {
  /// The other one.
  protected final Backend backend;

  protected ForwardingBackend(Backend backend) {
    this.backend = backend;
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
    return backend.allocate(bytes);
  }

  @Override
  public Kernels kernels() {
    return backend.kernels();
  }

  @Override
  public void freeze(Tensor matrix) {
    backend.freeze(matrix);
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    backend.upload(source, target);
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    backend.download(source, target);
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
  public Traffic traffic() {
    return backend.traffic();
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
