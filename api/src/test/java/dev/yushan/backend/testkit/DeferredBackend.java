package dev.yushan.backend.testkit;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.ForwardingBackend;
import dev.yushan.backend.Invocation;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Plan;
import dev.yushan.backend.Traffic;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

/// Another backend, made as strange as a device may be. What passes on it does not depend on when
/// kernels run, on reading memory from the host, or on rows past the count.
///
/// - Calls are queued. They run when somebody downloads, and not before.
/// - Memory can only be read by a download.
/// - After every op the rows of its outputs past their live count are NaN.
/// - Transfers are counted, to the byte.
/// - [#record] runs its body once, without computing anything; [Plan#run] replays what it called. A
///   Java scalar that should have been a tensor keeps its first value. Transfers and allocations
///   inside the body are refused.
public final class DeferredBackend extends ForwardingBackend {
  private final Deque<Runnable> queue = new ArrayDeque<>();
  private final List<DeferredStorage> open = new ArrayList<>();
  private final Kernels kernels = Invocation.intercept(backend, this::called);
  private List<Runnable> recording = List.of();
  private boolean inRecording;
  private long sent;
  private long fetched;

  private DeferredBackend(Backend backend) {
    super(backend);
  }

  /// Takes over `backend`, which is closed with it.
  public static DeferredBackend over(Backend backend) {
    return new DeferredBackend(backend);
  }

  /// Memory of the backend below, out of the host's reach.
  private final class DeferredStorage implements Storage {
    private final Storage below;
    private boolean closed;

    DeferredStorage(Storage below) {
      this.below = below;
    }

    @Override
    public long bytes() {
      return below.bytes();
    }

    @Override
    public boolean closed() {
      return closed;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        open.remove(this);
        queue.add(below::close);
      }
    }
  }

  @Override
  public String description() {
    return "deferred, over " + backend.description();
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public Storage allocate(long bytes) {
    refuseInRecording("allocation");
    try {
      return opened(backend.allocate(bytes));
    } catch (BackendException e) {
      flush();
      return opened(backend.allocate(bytes));
    }
  }

  private Storage opened(Storage below) {
    DeferredStorage storage = new DeferredStorage(below);
    open.add(storage);
    return storage;
  }

  @Override
  public long availableBytes() {
    flush();
    return backend.availableBytes();
  }

  @Override
  public void freeze(Tensor matrix) {
    refuseInRecording("freeze");
    Tensor below = below(matrix);
    queue.add(() -> backend.freeze(below));
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    refuseInRecording("upload");
    sent += source.byteSize();
    byte[] copy = new byte[Math.toIntExact(source.byteSize())];
    MemorySegment.copy(source, 0, MemorySegment.ofArray(copy), 0, copy.length);
    Tensor below = below(target);
    queue.add(() -> backend.upload(MemorySegment.ofArray(copy), below));
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    refuseInRecording("download");
    Tensor below = below(source);
    flush();
    backend.download(below, target);
    fetched += target.byteSize();
  }

  /// Of transfers; a queued kernel is told nothing.
  @Override
  public Traffic traffic() {
    return new Traffic(0, sent, fetched, 0);
  }

  /// Its memory is out of the host's reach, wherever it is below.
  @Override
  public boolean usesHostMemory() {
    return false;
  }

  private void refuseInRecording(String what) {
    if (inRecording) {
      throw new IllegalStateException(
          what + " inside a recording: the body of a plan may only call kernels");
    }
  }

  @Override
  public Plan record(String name, Runnable body) {
    refuseInRecording("recording");
    List<Runnable> calls = new ArrayList<>();
    recording = calls;
    inRecording = true;
    try {
      body.run();
    } finally {
      inRecording = false;
    }
    return () -> queue.addAll(calls);
  }

  private void called(Invocation call) {
    Object[] arguments =
        Stream.of(call.arguments()).map(a -> a instanceof Tensor t ? below(t) : a).toArray();
    Invocation below = new Invocation(backend, call.method(), arguments);
    Runnable run =
        () -> {
          below.proceed();
          below.outputs().forEach(this::poison);
        };
    if (inRecording) {
      recording.add(run);
    } else {
      queue.add(run);
    }
  }

  private void flush() {
    while (!queue.isEmpty()) {
      queue.remove().run();
    }
  }

  @Override
  public void close() {
    flush();
    List.copyOf(open).forEach(Storage::close);
    flush();
    backend.close();
  }

  /// Rows past the count become NaN.
  private void poison(Tensor output) {
    if (output.count().isEmpty() || output.dtype() != DType.F32) {
      return;
    }
    Tensor.Count count = output.count().get();
    long live = Math.clamp(backend.ints(count.rows())[0] - count.start(), 0, output.rows());
    for (long row = live; row < output.rows(); row++) {
      long offset = output.byteOffset() + output.dtype().bytes(row * output.ld());
      Shape shape = Shape.of(output.columns());
      backend.kernels().fill(Tensor.view(output.storage(), offset, DType.F32, shape), Float.NaN);
    }
  }

  /// The same window on the memory below.
  private static Tensor below(Tensor tensor) {
    if (!(tensor.storage() instanceof DeferredStorage storage)) {
      throw new IllegalArgumentException(tensor + " belongs to another backend");
    }
    if (storage.closed()) {
      throw new IllegalStateException(tensor + " is closed");
    }
    Tensor window = window(tensor, storage.below);
    return tensor
        .count()
        .map(c -> window.counted(new Tensor.Count(below(c.rows()), c.start())))
        .orElse(window);
  }

  private static Tensor window(Tensor tensor, Storage storage) {
    DType dtype = tensor.dtype();
    if (tensor.contiguous()) {
      return Tensor.view(storage, tensor.byteOffset(), dtype, tensor.shape());
    }
    // A view of whole rows that starts at the first column may not fit the storage: start it as
    // many columns earlier as it would be too long.
    long bytes = dtype.bytes(tensor.rows() * tensor.ld());
    long excess = Math.max(0, tensor.byteOffset() + bytes - storage.bytes());
    long column = excess / dtype.bytes(1);
    Tensor rows =
        Tensor.view(
            storage, tensor.byteOffset() - excess, dtype, Shape.of(tensor.rows(), tensor.ld()));
    return rows.columns(column, column + tensor.columns());
  }
}
