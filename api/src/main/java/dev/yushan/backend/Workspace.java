package dev.yushan.backend;

import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Storage;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A stack of short-lived tensors: activations and their gradients.
///
/// The same sequence of allocations gets the same addresses each time, so that a recorded plan can
/// be replayed on them. Memory is taken from the backend in slabs, kept until [#close] and not
/// cleared between uses: a new tensor holds anything.
public final class Workspace implements AutoCloseable {
  private static final long ALIGNMENT = 256;
  private static final Mark BOTTOM = new Mark(0, 0, 0);

  /// A height of the stack, to which it can be lowered again.
  ///
  /// @param used bytes of the slab
  /// @param live bytes of the tensors below, without the gaps at the ends of slabs
  public record Mark(int slab, long used, long live) {}

  private final Backend backend;
  private final long slabBytes;
  private final List<Storage> slabs = new ArrayList<>();
  private Optional<Workspace> scratch = Optional.empty();
  private Mark top = BOTTOM;
  private long highest;

  /// A workspace that takes memory from `backend` in pieces of at least `slabBytes`.
  public Workspace(Backend backend, long slabBytes) {
    this.backend = backend;
    this.slabBytes = slabBytes;
  }

  /// A second stack beside this one, for what is released while what was allocated later stays.
  public Workspace scratch() {
    if (scratch.isEmpty()) {
      scratch = Optional.of(new Workspace(backend, slabBytes));
    }
    return scratch.get();
  }

  /// A tensor on top of the stack; its values are undefined.
  public Tensor allocate(DType dtype, Shape shape) {
    long bytes = roundUp(dtype.bytes(shape.elements()));
    int slab = top.slab();
    long used = top.used();
    while (slab < slabs.size() && used + bytes > slabs.get(slab).bytes()) {
      slab++;
      used = 0;
    }
    if (slab == slabs.size()) {
      slabs.add(backend.allocate(Math.max(bytes, slabBytes)));
    }
    top = new Mark(slab, used + bytes, top.live() + bytes);
    highest = Math.max(highest, top.live());
    return Tensor.view(slabs.get(slab), used, dtype, shape);
  }

  /// A tensor of `columns` with the rows, and the live rows, of `like`.
  public Tensor rowsOf(DType dtype, Tensor like, long columns) {
    Tensor raw = allocate(dtype, Shape.of(like.rows(), columns));
    return like.count().map(raw::counted).orElse(raw);
  }

  /// The present height.
  public Mark mark() {
    return top;
  }

  /// Lowers the stack to `mark`: tensors allocated since must not be used any more. Or raises it
  /// again, to where it was before.
  public void release(Mark mark) {
    top = mark;
  }

  /// Lowers the stack to its bottom.
  public void clear() {
    top = BOTTOM;
  }

  /// Whether `tensor` lies in this workspace.
  public boolean holds(Tensor tensor) {
    return slabs.contains(tensor.storage());
  }

  /// An empty workspace on `other` that has room for what this one held at its highest, each stack
  /// in one piece.
  public Workspace sameSize(Backend other) {
    Workspace same = new Workspace(other, highest);
    same.scratch = scratch.map(stack -> stack.sameSize(other));
    return same;
  }

  private static long roundUp(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /// Frees all memory.
  @Override
  public void close() {
    scratch.ifPresent(Workspace::close);
    slabs.forEach(Storage::close);
    slabs.clear();
    clear();
  }
}
