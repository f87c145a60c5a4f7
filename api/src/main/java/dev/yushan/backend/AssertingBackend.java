package dev.yushan.backend;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/// Another backend that watches what its caller does, beyond the checks of every call:
///
/// - memory of a [Workspace] is full of NaN at first, so that what is read before it is written
///   shows (a workspace clears nothing, yet on first use there would be zeros);
/// - the body of a plan may only call kernels;
/// - with [#requiringFinite], an op with a NaN or an infinity among its results is an error that
///   names the op, which is slow and good for a debugging session.
public final class AssertingBackend extends ForwardingBackend {
  /// Elements that are looked at at a time: large tensors are not to be had twice.
  private static final int PIECE = 1 << 16;

  private final Kernels kernels;
  private final boolean finite;
  private final float[] seen;
  private boolean inRecording;

  private AssertingBackend(Backend backend, boolean finite) {
    super(Backends.checked(backend));
    this.finite = finite;
    this.seen = new float[finite ? PIECE : 0];
    this.kernels = finite ? Invocation.intercept(this.backend, this::finite) : super.kernels();
  }

  /// Takes over `backend`, which is closed with it.
  public static AssertingBackend over(Backend backend) {
    return new AssertingBackend(backend, false);
  }

  /// The same, looking at the results of every op.
  public AssertingBackend requiringFinite() {
    return new AssertingBackend(backend, true);
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  private void finite(Invocation call) {
    call.proceed();
    call.outputs().filter(t -> t.dtype() == DType.F32).forEach(t -> requireFinite(call, t));
  }

  /// Looks at the live rows; between the rows of a strided tensor lies what is not its own.
  private synchronized void requireFinite(Invocation call, Tensor t) {
    long rows = live(t);
    long span = rows == 0 ? 0 : (rows - 1) * t.ld() + t.columns();
    for (long from = 0; from < span; from += PIECE) {
      int length = (int) Math.min(PIECE, span - from);
      long at = t.byteOffset() + from * Float.BYTES;
      Tensor piece = Tensor.view(t.storage(), at, DType.F32, Shape.of(length));
      backend.download(piece, MemorySegment.ofArray(seen).asSlice(0, piece.bytes()));
      for (int i = 0; i < length; i++) {
        long row = (from + i) / t.ld();
        long column = (from + i) % t.ld();
        if (column < t.columns() && !Float.isFinite(seen[i])) {
          throw new BackendException(
              "%s made element %d of %s %s: of finite operands that is a defect of the backend, of others look at what made them"
                  .formatted(call.op(), row * t.columns() + column, t, seen[i]));
        }
      }
    }
  }

  private long live(Tensor t) {
    return t.count()
        .map(c -> Math.clamp(backend.ints(c.rows())[0] - c.start(), 0, t.rows()))
        .orElse(t.rows());
  }

  @Override
  public Storage allocate(long bytes) {
    refuseInRecording("allocation");
    Storage storage = backend.allocate(bytes);
    if (StackWalker.getInstance().walk(s -> s.anyMatch(f -> ofWorkspace(f)))) {
      Tensor all = Tensor.view(storage, 0, DType.F32, Shape.of(bytes / 4));
      backend.kernels().fill(all, Float.NaN);
    }
    return storage;
  }

  private static boolean ofWorkspace(StackWalker.StackFrame frame) {
    return frame.getClassName().equals(Workspace.class.getName());
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    refuseInRecording("upload");
    backend.upload(source, target);
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    refuseInRecording("download");
    backend.download(source, target);
  }

  private void refuseInRecording(String what) {
    if (inRecording) {
      throw new IllegalStateException(
          what + " inside a recording: the body of a plan may only call kernels");
    }
  }

  /// Results can be looked at only when they are there: then nothing is recorded, and the body runs
  /// each time.
  @Override
  public Plan record(String name, Runnable body) {
    Runnable watched = () -> watched(body);
    return finite ? watched::run : backend.record(name, watched);
  }

  private void watched(Runnable body) {
    inRecording = true;
    try {
      body.run();
    } finally {
      inRecording = false;
    }
  }
}
