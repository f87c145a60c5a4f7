package dev.yushan.tensor;

import java.util.Arrays;
import java.util.Optional;

/// A typed, row-major window on a [Storage]: the noun of every kernel.
///
/// Elements of a row are neighbours; rows are [#ld()] elements apart. A tensor made by an
/// allocation is contiguous and owns its storage. A view shares the storage and is one of three
/// things: a contiguous reshape, a range of the first dimension, or columns of a matrix (the only
/// one that is not contiguous). Kernels write into tensors; the class itself is immutable.
///
/// **Live rows.** For devices that need fixed shapes the first dimension is a capacity, and how
/// many rows count is a number on the device ([#counted]). Rows past it are never read and hold
/// anything. Views keep the count: row `r` of a view that starts at row `s` is live while `s + r <
/// count`.
public final class Tensor implements AutoCloseable {
  /// Where a tensor's live row count is kept: an I32 `[1]` tensor, and the row of the counted
  /// tensor at which this view starts.
  public record Count(Tensor rows, long start) {}

  private final Storage storage;
  private final DType dtype;
  private final Shape shape;
  private final long byteOffset;
  private final long ld;
  private final boolean owner;
  private final Optional<Count> count;

  private Tensor(
      Storage storage,
      DType dtype,
      Shape shape,
      long byteOffset,
      long ld,
      boolean owner,
      Optional<Count> count) {
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.byteOffset = byteOffset;
    this.ld = ld;
    this.owner = owner;
    this.count = count;
  }

  /// The contiguous tensor that fills `storage` from its start and owns it.
  public static Tensor owning(Storage storage, DType dtype, Shape shape) {
    return window(storage, 0, dtype, shape, true);
  }

  /// A contiguous view at `byteOffset` of a storage that somebody else owns.
  public static Tensor view(Storage storage, long byteOffset, DType dtype, Shape shape) {
    return window(storage, byteOffset, dtype, shape, false);
  }

  private static Tensor window(
      Storage storage, long byteOffset, DType dtype, Shape shape, boolean owner) {
    long rowLength = shape.rank() == 1 ? shape.rows() : shape.rowLength();
    if (rowLength % dtype.blockLength() != 0) {
      throw new IllegalArgumentException(
          "rows of %s must be a multiple of %d long, got %s"
              .formatted(dtype, dtype.blockLength(), shape));
    }
    long end = Math.addExact(byteOffset, dtype.bytes(shape.elements()));
    if (byteOffset < 0 || end > storage.bytes()) {
      throw new IllegalArgumentException(
          "%s %s at byte %d does not fit a storage of %d bytes"
              .formatted(dtype, shape, byteOffset, storage.bytes()));
    }
    return new Tensor(
        storage, dtype, shape, byteOffset, shape.rowLength(), owner, Optional.empty());
  }

  public Storage storage() {
    return storage;
  }

  public DType dtype() {
    return dtype;
  }

  public Shape shape() {
    return shape;
  }

  /// Length of the first dimension.
  public long rows() {
    return shape.rows();
  }

  /// Elements in one row; 1 for a vector.
  public long columns() {
    return shape.rowLength();
  }

  public long elements() {
    return shape.elements();
  }

  /// Bytes of the elements (without gaps between strided rows).
  public long bytes() {
    return dtype.bytes(shape.elements());
  }

  /// Where the first element lies in [#storage()], in bytes.
  public long byteOffset() {
    return byteOffset;
  }

  /// Elements from the start of one row to the start of the next.
  public long ld() {
    return ld;
  }

  public boolean contiguous() {
    return ld == columns() || rows() <= 1;
  }

  /// Where the number of live rows is kept; empty when all rows are live.
  public Optional<Count> count() {
    return count;
  }

  /// The same elements under another shape. Needs contiguous elements, and with a count the same
  /// first dimension.
  public Tensor reshape(long... dims) {
    Shape other = Shape.of(dims);
    if (!contiguous() || other.elements() != elements()) {
      throw new IllegalArgumentException("cannot view %s as %s".formatted(this, other));
    }
    if (count.isPresent() && other.rows() != rows()) {
      throw new IllegalArgumentException("a counted tensor keeps its first dimension: " + this);
    }
    return new Tensor(storage, dtype, other, byteOffset, other.rowLength(), false, count);
  }

  /// Rows `from` (included) to `to` (excluded).
  public Tensor rows(long from, long to) {
    checkRange("rows", from, to, rows());
    long[] dims = shape.toArray();
    dims[0] = to - from;
    long skipped = shape.rank() == 1 ? dtype.bytes(from) : dtype.bytes(from * ld);
    return new Tensor(
        storage,
        dtype,
        Shape.of(dims),
        byteOffset + skipped,
        ld,
        false,
        count.map(c -> new Count(c.rows(), c.start() + from)));
  }

  /// Columns `from` (included) to `to` (excluded) of a matrix: the one strided view.
  public Tensor columns(long from, long to) {
    if (shape.rank() != 2) {
      throw new IllegalArgumentException("only a matrix has columns, not " + this);
    }
    checkRange("columns", from, to, columns());
    return new Tensor(
        storage,
        dtype,
        Shape.of(rows(), to - from),
        byteOffset + dtype.bytes(from),
        ld,
        false,
        count);
  }

  /// This tensor with the number of its live rows in `rows`, an I32 `[1]` tensor.
  public Tensor counted(Tensor rows) {
    return counted(new Count(rows, 0));
  }

  /// This tensor with the live rows of another view: what an op gives its outputs.
  public Tensor counted(Count rows) {
    return new Tensor(storage, dtype, shape, byteOffset, ld, false, Optional.of(rows));
  }

  private void checkRange(String what, long from, long to, long length) {
    if (from < 0 || to < from || to > length) {
      throw new IllegalArgumentException(
          "%s %d to %d are outside of %s".formatted(what, from, to, this));
    }
  }

  /// Whether the two share memory. Columns of one matrix that lie side by side do not.
  public boolean overlaps(Tensor other) {
    if (storage != other.storage || elements() == 0 || other.elements() == 0) {
      return false;
    }
    long end = byteOffset + span();
    long otherEnd = other.byteOffset + other.span();
    if (end <= other.byteOffset || otherEnd <= byteOffset) {
      return false;
    }
    return !sideBySide(other);
  }

  private boolean sideBySide(Tensor other) {
    if (ld != other.ld || dtype != other.dtype || rows() < 2 || other.rows() < 2) {
      return false;
    }
    long stride = dtype.bytes(ld);
    long column = byteOffset % stride;
    long otherColumn = other.byteOffset % stride;
    return column + dtype.bytes(columns()) <= otherColumn
        || otherColumn + dtype.bytes(other.columns()) <= column;
  }

  private long span() {
    return shape.rank() == 1 ? bytes() : dtype.bytes((rows() - 1) * ld + columns());
  }

  /// Frees the storage. Only for a tensor that owns it; a view throws [IllegalStateException].
  @Override
  public void close() {
    if (!owner) {
      throw new IllegalStateException(
          this + " is a view; close the tensor or the workspace that it was taken from");
    }
    storage.close();
  }

  /// For example `F32 [4, 128]`, with `ld` where rows are strided.
  @Override
  public String toString() {
    return dtype
        + " "
        + Arrays.toString(shape.toArray())
        + (contiguous() ? "" : " (ld " + ld + ")")
        + (storage.closed() ? " (closed)" : "");
  }
}
