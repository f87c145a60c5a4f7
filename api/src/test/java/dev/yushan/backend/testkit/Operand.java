package dev.yushan.backend.testkit;

import dev.yushan.backend.Backend;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/// One operand of a case, with the same values on the tested backend and on the reference, and
/// guards around it.
final class Operand implements AutoCloseable {
  /// What an op allows for an operand.
  enum Kind {
    /// Contiguous, all rows live: weights, tables, scalars.
    FIXED(false, false),
    /// A row per token, contiguous.
    TOKENS(true, false),
    /// A row per token, may be columns of a wider matrix.
    TOKEN_COLUMNS(true, true),
    /// All rows live, may be columns of a wider matrix.
    COLUMNS(false, true);

    final boolean counted;
    final boolean strided;

    Kind(boolean counted, boolean strided) {
      this.counted = counted;
      this.strided = strided;
    }
  }

  private static final int NAN = 0x7FC00000;

  final String name;
  final DType dtype;
  final int rows;
  final int columns;
  final boolean perToken;
  private double[] values;
  private final byte[] initial;
  private final int first;
  private final int ld;
  private final int deadFrom;
  private final int deadTo;
  private final Backend backend;
  private final Backend reference;
  private final Tensor buffer;
  private final Tensor referenceBuffer;
  private final Tensor tensor;
  private final Tensor expected;

  Operand(
      String name,
      DType dtype,
      int rows,
      int columns,
      double[] values,
      Kind kind,
      Layout layout,
      Backend backend,
      Backend reference) {
    this.name = name;
    this.dtype = dtype;
    this.rows = rows;
    this.columns = columns;
    this.backend = backend;
    this.reference = reference;
    perToken = kind.counted;
    boolean counted = kind.counted && layout.counted;
    int left = kind.strided ? layout.left : 0;
    ld = left + columns + (kind.strided ? layout.right : 0);
    int above = counted ? layout.above : 0;
    int lead = layout.lead * dtype.blockLength();
    int capacity = above + rows + (counted ? layout.dead : 0);
    first = lead + above * ld + left;
    deadFrom = lead + (above + rows) * ld;
    deadTo = lead + capacity * ld;
    int elements = deadTo + lead;
    initial = encode(dtype, values, elements);
    this.values = decodeAll(initial);
    buffer = backend.allocate(dtype, Shape.of(elements));
    referenceBuffer = reference.allocate(dtype, Shape.of(elements));
    tensor = view(buffer, backend, lead, capacity, above, left, counted);
    expected = view(referenceBuffer, reference, lead, capacity, above, left, counted);
    reference.upload(MemorySegment.ofArray(initial), referenceBuffer);
    reset();
  }

  private Tensor view(
      Tensor all, Backend owner, int lead, int capacity, int above, int left, boolean counted) {
    Tensor matrix =
        Tensor.view(
            all.storage(), all.byteOffset() + dtype.bytes(lead), dtype, Shape.of(capacity, ld));
    if (counted) {
      matrix = matrix.counted(owner.tensor(new int[] {above + rows}, 1));
    }
    if (above > 0) {
      matrix = matrix.rows(above, capacity);
    }
    return ld == columns ? matrix : matrix.columns(left, left + columns);
  }

  private byte[] encode(DType type, double[] live, int elements) {
    float[] all = new float[elements];
    Arrays.fill(all, Float.NaN);
    ByteBuffer bytes =
        ByteBuffer.allocate((int) type.bytes(elements)).order(ByteOrder.LITTLE_ENDIAN);
    if (type == DType.I32) {
      for (int i = 0; i < elements; i++) {
        bytes.putInt(4 * i, NAN);
      }
      for (int i = 0; i < live.length; i++) {
        bytes.putInt(4 * index(i), (int) live[i]);
      }
      return bytes.array();
    }
    for (int i = 0; i < live.length; i++) {
      all[index(i)] = (float) live[i];
    }
    if (type.quantised()) {
      poisonBlocks(all, type.blockLength());
    }
    Conversion.encode(type, all, bytes);
    return bytes.array();
  }

  /// Blocks outside of the operand: values far from the others, since blocks of NaN are undefined.
  private void poisonBlocks(float[] all, int blockLength) {
    for (int i = 0; i < all.length; i += blockLength) {
      if (Float.isNaN(all[i])) {
        Arrays.fill(all, i, i + blockLength, 30_000);
      }
    }
  }

  private int index(int i) {
    return first + i / columns * ld + i % columns;
  }

  private double[] decodeAll(byte[] bytes) {
    int elements = bytes.length / dtype.blockBytes() * dtype.blockLength();
    double[] all = Conversion.decode(dtype, ByteBuffer.wrap(bytes), elements);
    double[] live = new double[rows * columns];
    for (int i = 0; i < live.length; i++) {
      live[i] = all[index(i)];
    }
    return live;
  }

  /// Takes these bytes in the place of its values: contiguous, as its type stores them.
  void store(byte[] stored) {
    System.arraycopy(stored, 0, initial, (int) dtype.bytes(first), stored.length);
    values = decodeAll(initial);
    reference.upload(MemorySegment.ofArray(initial), referenceBuffer);
    reset();
  }

  /// The values it started with, as its type holds them.
  double[] values() {
    return values;
  }

  /// As [#values], with a row and a column.
  double value(int row, int column) {
    return values[row * columns + column];
  }

  Tensor tensor() {
    return tensor;
  }

  Tensor expected() {
    return expected;
  }

  /// Gives it its first values again on the tested side.
  void reset() {
    backend.upload(MemorySegment.ofArray(initial), buffer);
  }

  /// Everything that lies on the tested backend, guards included.
  byte[] bytes() {
    return backend.bytes(buffer);
  }

  /// The values on the tested backend.
  double[] actual() {
    return decodeAll(bytes());
  }

  /// The values on the reference, not rounded.
  double[] expectedValues(ReferenceBackend plain) {
    double[] all = plain.doubles(referenceBuffer);
    double[] live = new double[rows * columns];
    for (int i = 0; i < live.length; i++) {
      live[i] = all[index(i)];
    }
    return live;
  }

  /// Whether the bytes outside of the operand and its dead rows are as they were.
  boolean guardsIntact(byte[] now) {
    byte[] before = initial.clone();
    byte[] after = now.clone();
    for (int row = 0; row < rows; row++) {
      clear(before, first + row * ld, columns);
      clear(after, first + row * ld, columns);
    }
    clear(before, deadFrom, deadTo - deadFrom);
    clear(after, deadFrom, deadTo - deadFrom);
    return Arrays.equals(before, after);
  }

  /// Whether all bytes but those of dead rows are as they were.
  boolean unchanged(byte[] now) {
    byte[] before = initial.clone();
    byte[] after = now.clone();
    clear(before, deadFrom, deadTo - deadFrom);
    clear(after, deadFrom, deadTo - deadFrom);
    return Arrays.equals(before, after);
  }

  private void clear(byte[] bytes, int element, int elements) {
    int from = (int) dtype.bytes(element);
    Arrays.fill(bytes, from, from + (int) dtype.bytes(elements), (byte) 0);
  }

  @Override
  public void close() {
    buffer.close();
    referenceBuffer.close();
    tensor.count().ifPresent(count -> count.rows().close());
    expected.count().ifPresent(count -> count.rows().close());
  }
}
