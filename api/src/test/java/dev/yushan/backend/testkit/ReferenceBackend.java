package dev.yushan.backend.testkit;

import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.Feature;
import dev.yushan.backend.Kernels;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/// What every backend is compared with: each op as its formula, in float64, one loop after the
/// other. F32 tensors keep float64 values, which are rounded only by a download, so that central
/// differences have digits to work with; [#doubles] and [#write] go past the rounding.
///
/// Slow (some 10⁸ multiply-adds a second) and two to three times as large as the tensors it stands
/// for.
public final class ReferenceBackend implements Backend {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final boolean rounded;
  private final long limit;
  private final Kernels kernels = new ReferenceKernels();
  private final Set<ReferenceStorage> open = Collections.newSetFromMap(new IdentityHashMap<>());
  private long used;

  private ReferenceBackend(boolean rounded, long limit) {
    this.rounded = rounded;
    this.limit = limit;
  }

  /// The float64 reference.
  public static ReferenceBackend float64() {
    return new ReferenceBackend(false, 1L << 31);
  }

  /// The same formulas with every stored F32 element rounded: the plainest F32 backend.
  public static ReferenceBackend float32() {
    return new ReferenceBackend(true, 1L << 31);
  }

  /// The same backend with so much memory.
  public ReferenceBackend withMemory(long bytes) {
    return new ReferenceBackend(rounded, bytes);
  }

  @Override
  public String name() {
    return "reference";
  }

  @Override
  public String description() {
    return rounded ? "reference, stored in float32" : "reference, float64";
  }

  @Override
  public Storage allocate(long bytes) {
    if (bytes > limit - used) {
      throw new BackendException(
          "reference backend: %,d bytes asked for, %,d of %,d left; use smaller tensors"
              .formatted(bytes, limit - used, limit));
    }
    ReferenceStorage storage = new ReferenceStorage(bytes, rounded, this::closed);
    open.add(storage);
    used += bytes;
    return storage;
  }

  private void closed(ReferenceStorage storage) {
    open.remove(storage);
    used -= storage.bytes();
  }

  @Override
  public long availableBytes() {
    return limit - used;
  }

  @Override
  public boolean supports(Feature feature) {
    return true;
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public void upload(MemorySegment source, Tensor target) {
    if (target.dtype() != DType.F32 && target.dtype() != DType.I32) {
      byte[] raw = ReferenceStorage.of(target).raw();
      MemorySegment bytes = MemorySegment.ofArray(raw);
      MemorySegment.copy(source, 0, bytes, target.byteOffset(), target.bytes());
      return;
    }
    boolean real = target.dtype() == DType.F32;
    Matrix to = Matrix.vector(target);
    for (int i = 0; i < to.rows(); i++) {
      to.set(i, real ? source.getAtIndex(FLOAT, i) : source.getAtIndex(INT, i));
    }
  }

  @Override
  public void download(Tensor source, MemorySegment target) {
    if (source.dtype() != DType.F32 && source.dtype() != DType.I32) {
      byte[] raw = ReferenceStorage.of(source).raw();
      MemorySegment bytes = MemorySegment.ofArray(raw);
      MemorySegment.copy(bytes, source.byteOffset(), target, 0, source.bytes());
      return;
    }
    Matrix from = Matrix.vector(source);
    for (int i = 0; i < from.rows(); i++) {
      if (source.dtype() == DType.F32) {
        target.setAtIndex(FLOAT, i, (float) from.get(i));
      } else {
        target.setAtIndex(INT, i, from.index(i));
      }
    }
  }

  /// The values of a contiguous tensor of any type, without rounding.
  public double[] doubles(Tensor tensor) {
    if (tensor.dtype() != DType.F32 && tensor.dtype() != DType.I32) {
      return Conversion.decode(tensor);
    }
    Matrix from = Matrix.vector(tensor);
    double[] values = new double[from.rows()];
    for (int i = 0; i < values.length; i++) {
      values[i] = from.get(i);
    }
    return values;
  }

  /// Replaces the values of a contiguous F32 tensor, without rounding.
  public void write(double[] values, Tensor tensor) {
    Matrix to = Matrix.vector(tensor);
    for (int i = 0; i < values.length; i++) {
      to.set(i, values[i]);
    }
  }

  @Override
  public void close() {
    List.copyOf(open).forEach(Storage::close);
  }
}
