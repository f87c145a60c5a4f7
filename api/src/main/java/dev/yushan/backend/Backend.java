package dev.yushan.backend;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// A device that holds tensors and computes on them.
///
/// The host sees data only through [#upload] and [#download], which wait for the calls before them.
/// A backend is used by one thread at a time, not always the same; what it does inside is its own
/// affair.
public interface Backend extends AutoCloseable {
  /// The name of its provider.
  String name();

  /// The device in words, for a log line.
  String description();

  /// Zeroed memory.
  ///
  /// @throws BackendException if there is not enough, naming how much was asked for and is left
  Storage allocate(long bytes);

  /// The op set.
  Kernels kernels();

  /// Says that the values of a matrix are final: from now on it is read only as `b` of a product
  /// with [Kernels.Op#T] and as the table of [Kernels#gather], each time as a whole. The device may
  /// arrange it for that, in place; it can be neither read nor written in any other way, only
  /// closed.
  ///
  /// @param matrix one that owns its memory
  default void freeze(Tensor matrix) {}

  /// Copies host bytes (little endian, rows without gaps) into a contiguous tensor.
  void upload(MemorySegment source, Tensor target);

  /// Copies a contiguous tensor into host bytes.
  void download(Tensor source, MemorySegment target);

  /// Whether an optional part of the op set is there. A backend says so of what it was written for,
  /// by name, and denies the rest: it may be asked for features that came after it. The default is
  /// what was there in the beginning.
  default boolean supports(Feature feature) {
    return switch (feature) {
      case TRAINING, PAGED_ATTENTION, HALF_WEIGHTS, QUANTISED_WEIGHTS, STABLE_PRODUCTS -> true;
      default -> false;
    };
  }

  /// Bytes that can still be allocated; [Long#MAX_VALUE] if the device does not say.
  default long availableBytes() {
    return Long.MAX_VALUE;
  }

  /// Whether its tensors lie in the memory of the host, so that they and the JVM share it.
  default boolean usesHostMemory() {
    return false;
  }

  /// What has gone between the host and the device so far, counted from any point on; backends of
  /// one process that share a device may share its count. Is asked between the calls of a step, and
  /// must be cheap. [Traffic#NONE] where nothing moves or nobody counts.
  default Traffic traffic() {
    return Traffic.NONE;
  }

  /// Measures how many F32 operations a second the device can do at most, a fused multiply-add
  /// counted as two, on as much of it as the kernels use: what the speed of training is held
  /// against. Takes up to a second or so, and little memory. The default is the fastest square
  /// matrix product, which is below the peak by what the kernel loses.
  default double measureFlops() {
    return MatmulSpeed.measure(this);
  }

  /// Measures what the device can do at most, on as much of it as the kernels use: takes seconds.
  /// Empty if the backend does not measure it.
  default Optional<DeviceLimits> measureLimits() {
    return Optional.empty();
  }

  /// Turns the kernel calls of `body` into something that can be replayed. The default runs the
  /// body again each time; a device with task graphs runs it once, and replays what it recorded.
  /// `body` calls kernels and nothing else: no upload, no download, no allocation but from a
  /// [Workspace] that has its memory already.
  default Plan record(String name, Runnable body) {
    return body::run;
  }

  /// Frees what is left; tensors of this backend are closed from then on.
  @Override
  void close();

  // ---- in terms of the above -------------------------------------------------------------------

  /// A new tensor of zeros, which the caller closes.
  default Tensor allocate(DType dtype, Shape shape) {
    return Tensor.owning(allocate(dtype.bytes(shape.elements())), dtype, shape);
  }

  /// A new F32 tensor with these values.
  default Tensor tensor(float[] values, long... dims) {
    Tensor tensor = allocate(DType.F32, Shape.of(dims));
    upload(values, tensor);
    return tensor;
  }

  /// A new I32 tensor with these values.
  default Tensor tensor(int[] values, long... dims) {
    Tensor tensor = allocate(DType.I32, Shape.of(dims));
    upload(values, tensor);
    return tensor;
  }

  /// Replaces the values of an F32 tensor.
  default void upload(float[] values, Tensor target) {
    requireLength(values.length, DType.F32, target);
    upload(MemorySegment.ofArray(values), target);
  }

  /// Replaces the values of an I32 tensor.
  default void upload(int[] values, Tensor target) {
    requireLength(values.length, DType.I32, target);
    upload(MemorySegment.ofArray(values), target);
  }

  /// The values of a contiguous F32 tensor.
  default float[] floats(Tensor source) {
    float[] values = new float[Math.toIntExact(source.elements())];
    requireLength(values.length, DType.F32, source);
    download(source, MemorySegment.ofArray(values));
    return values;
  }

  /// The values of a contiguous I32 tensor.
  default int[] ints(Tensor source) {
    int[] values = new int[Math.toIntExact(source.elements())];
    requireLength(values.length, DType.I32, source);
    download(source, MemorySegment.ofArray(values));
    return values;
  }

  /// The raw bytes of a contiguous tensor, for types without a Java array.
  default byte[] bytes(Tensor source) {
    byte[] values = new byte[Math.toIntExact(source.bytes())];
    download(source, MemorySegment.ofArray(values));
    return values;
  }

  private static void requireLength(int length, DType dtype, Tensor tensor) {
    if (tensor.dtype() != dtype || tensor.elements() != length) {
      throw new IllegalArgumentException(
          "%d values of %s do not fit %s".formatted(length, dtype, tensor));
    }
  }
}
