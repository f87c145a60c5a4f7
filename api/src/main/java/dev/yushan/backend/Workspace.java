package dev.yushan.backend;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/// A stack of short-lived tensors: activations and their gradients.
///
/// The same sequence of allocations gets the same addresses each time, so that a recorded plan can
/// be replayed on them. Memory is taken from the backend in slabs, kept until [#close] and not
/// cleared between uses: a new tensor holds anything.
public final class Workspace implements AutoCloseable {
  private static final long ALIGNMENT = 256;

  /// A height of the stack, to which it can be lowered again.
  public record Mark(int slab, long used) {}

  private final Backend backend;
  private final long slabBytes;
  private final List<Storage> slabs = new ArrayList<>();
  private int slab;
  private long used;
  private long peak;

  /// A workspace that takes memory from `backend` in pieces of at least `slabBytes`.
  public Workspace(Backend backend, long slabBytes) {
    this.backend = backend;
    this.slabBytes = slabBytes;
  }

  /// A tensor on top of the stack; its values are undefined.
  public Tensor allocate(DType dtype, Shape shape) {
    long bytes = roundUp(dtype.bytes(shape.elements()));
    while (slab < slabs.size() && used + bytes > slabs.get(slab).bytes()) {
      slab++;
      used = 0;
    }
    if (slab == slabs.size()) {
      slabs.add(backend.allocate(Math.max(bytes, slabBytes)));
    }
    Tensor tensor = Tensor.view(slabs.get(slab), used, dtype, shape);
    used += bytes;
    peak = Math.max(peak, usedBytes());
    return tensor;
  }

  /// The present height.
  public Mark mark() {
    return new Mark(slab, used);
  }

  /// Gives back everything allocated since `mark`; those tensors must not be used any more.
  public void release(Mark mark) {
    slab = mark.slab();
    used = mark.used();
  }

  /// Whether `tensor` lies below `mark` or outside of this workspace, so that it outlives a
  /// release.
  public boolean outlives(Tensor tensor, Mark mark) {
    int index = slabs.indexOf(tensor.storage());
    return index < mark.slab() || (index == mark.slab() && tensor.byteOffset() < mark.used());
  }

  /// Bytes taken at the highest point so far, gaps at the ends of slabs included.
  public long peakBytes() {
    return peak;
  }

  private long usedBytes() {
    return slabs.subList(0, slab).stream().mapToLong(Storage::bytes).sum() + used;
  }

  private static long roundUp(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /// Frees all memory.
  @Override
  public void close() {
    slabs.forEach(Storage::close);
    slabs.clear();
    slab = 0;
    used = 0;
  }
}
