package dev.yushan.backend.tornado;

import java.util.List;
import java.util.function.IntFunction;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/// What carries data between the host and a lane: an array that is sent or fetched whole, and a
/// kernel that copies it into or out of the lane. Of several sizes, as a step carries scalars and
/// short lists of ids, then a row or more of logits, and loading a model all of its weights.
enum Transfer {
  FLOATS_UP(FloatArray::new, 4, 1 << 6, 1 << 12, 1 << 17, 1 << 20),
  SHORTS_UP(ShortArray::new, 2, 1 << 12, 1 << 21),
  INTS_UP(IntArray::new, 4, 1 << 6, 1 << 12, 1 << 16),
  FLOATS_DOWN(FloatArray::new, 4, 1 << 6, 1 << 12, 1 << 17, 1 << 20),
  SHORTS_DOWN(ShortArray::new, 2, 1 << 12, 1 << 21),
  INTS_DOWN(IntArray::new, 4, 1 << 6, 1 << 12, 1 << 16);

  static final int GROUP = 256;

  private final IntFunction<TornadoNativeArray> array;
  final int elementBytes;

  /// Elements of its arrays, ascending.
  final List<Integer> sizes;

  Transfer(IntFunction<TornadoNativeArray> array, int elementBytes, Integer... sizes) {
    this.array = array;
    this.elementBytes = elementBytes;
    this.sizes = List.of(sizes);
  }

  /// The elements of the array that carries so many, or if none does, the next of them.
  int size(long elements) {
    return sizes.stream().filter(size -> size >= elements).findFirst().orElse(sizes.getLast());
  }

  boolean down() {
    return ordinal() >= FLOATS_DOWN.ordinal();
  }

  TornadoNativeArray array(int elements) {
    return array.apply(elements);
  }

  /// Adds the copying kernel to `graph`.
  TaskGraph task(
      TaskGraph graph,
      KernelContext c,
      IntArray p,
      TornadoNativeArray s,
      FloatArray f,
      ShortArray h,
      IntArray w) {
    return switch (this) {
      case FLOATS_UP ->
          graph.task("copy", RowKernels::kUploadFloats, c, p, (FloatArray) s, f, h, w);
      case SHORTS_UP ->
          graph.task("copy", RowKernels::kUploadShorts, c, p, (ShortArray) s, f, h, w);
      case INTS_UP -> graph.task("copy", RowKernels::kUploadInts, c, p, (IntArray) s, f, h, w);
      case FLOATS_DOWN ->
          graph.task("copy", RowKernels::kDownloadFloats, c, p, (FloatArray) s, f, h, w);
      case SHORTS_DOWN ->
          graph.task("copy", RowKernels::kDownloadShorts, c, p, (ShortArray) s, f, h, w);
      case INTS_DOWN -> graph.task("copy", RowKernels::kDownloadInts, c, p, (IntArray) s, f, h, w);
    };
  }
}
