package dev.yushan.backend;

import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.function.Predicate;

/// A backend that has no memory and computes nothing, but counts what is allocated. Whatever is
/// laid out on it, model, optimizer or a whole pass, tells to the byte what it would take on a
/// device.
public final class SizingBackend implements Backend {
  private static final Kernels NOTHING =
      (Kernels)
          Proxy.newProxyInstance(
              Kernels.class.getClassLoader(),
              new Class<?>[] {Kernels.class},
              (proxy, kernel, arguments) -> null);

  private final Predicate<Feature> features;
  private long held;

  /// In the place of any backend that can do everything.
  public SizingBackend() {
    features = feature -> true;
  }

  /// In the place of `backend`: what it leaves out takes no memory here either.
  public SizingBackend(Backend backend) {
    features = backend::supports;
  }

  /// Bytes allocated and not closed.
  public long held() {
    return held;
  }

  private final class Block implements Storage {
    private final long bytes;
    private boolean closed;

    Block(long bytes) {
      this.bytes = bytes;
      held += bytes;
    }

    @Override
    public long bytes() {
      return bytes;
    }

    @Override
    public boolean closed() {
      return closed;
    }

    @Override
    public void close() {
      held -= closed ? 0 : bytes;
      closed = true;
    }
  }

  @Override
  public String name() {
    return "sizing";
  }

  @Override
  public String description() {
    return "counts bytes";
  }

  @Override
  public Storage allocate(long bytes) {
    return new Block(bytes);
  }

  @Override
  public boolean supports(Feature feature) {
    return features.test(feature);
  }

  @Override
  public Kernels kernels() {
    return NOTHING;
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    // There is nothing to write to.
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    throw new UnsupportedOperationException("the sizing backend holds no values");
  }

  @Override
  public void close() {
    // There is nothing to free.
  }
}
