package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.I16;
import static dev.yushan.backend.cpu.Lanes.I32;
import static dev.yushan.backend.cpu.Lanes.I8;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Weights in the order in which products read them: matrices that are only the transposed B of a
/// product, or a table of rows.
///
/// [Tile#WIDTH] = 2V rows make a group, which is a panel: element p of all its rows lies together,
/// so that a product reads a group from end to end and needs no transposing. Of BF16 and Q8_0 in
/// vectors of 8 it is two panels, see [#width]. A group takes as many bytes as its rows did, so
/// packing happens in place; rows that are left over stay as they were. In a group, with row j and
/// row j + V for each lane j:
///
/// | type | for each p |
/// |---|---|
/// | F32, F16 | the 2V elements |
/// | BF16 | for each panel V ints, row j in the lower half and row j + V in the upper: one shift or mask widens |
/// | Q8_0 | for each 32 p the scales (F16) of all rows, then for each p their bytes |
/// | Q4_0 | for each 32 p the 2V scales, then for each 8 p V ints of the rows j and V of the rows j + V, eight signed nibbles each, the first p at the top |
final class Packed {
  private static final int V = Lanes.COUNT;
  private static final int WIDTH = Tile.WIDTH;
  private static final int BLOCK = 32;
  static final int UPPER = 0xFFFF0000;

  /// Bytes of the scales of a block of Q4_0.
  static final int SCALES = 2 * WIDTH;

  /// Rows of a group of BF16 or Q8_0.
  static final int WIDE = V == 8 ? 2 * WIDTH : WIDTH;

  private static final int CACHE_LINE = 64;

  /// Of a half in the place of a float: all of it, without its sign, and what infinity is.
  static final int HALF = 0x8FFFE000;

  static final int MAGNITUDE = 0x0FFFE000;
  static final int INFINITY = 0x7C00 << 13;

  private Packed() {}

  /// Rows of a group. A multiply-add takes four cycles, and one row of A has a chain of them for
  /// each vector of a group: two are enough where a vector has 16 lanes and memory is the limit. In
  /// vectors of 8 four are faster, 1.2 times of BF16 and 1.4 of Q8_0, if memory is read from end to
  /// end: not with two groups side by side. The kernels of the others wait for other things.
  static int width(DType dtype) {
    return dtype == DType.Q8_0 || dtype == DType.BF16 ? WIDE : WIDTH;
  }

  /// Where the k-block at `k` of the group of `row` begins, in bytes.
  static long block(Matrix m, int row, int k) {
    int width = width(m.dtype());
    return m.row(row / width * width) + m.dtype().bytes(k) * width;
  }

  // ---- arranging -------------------------------------------------------------------------------

  /// Arranges a contiguous matrix, in place.
  static void pack(ThreadTeam team, Matrix m) {
    team.ranges(
        m.rows() / width(m.dtype()),
        1,
        (from, to) -> {
          int width = width(m.dtype());
          byte[] rows = new byte[Math.toIntExact(m.row(width))];
          MemorySegment copy = MemorySegment.ofArray(rows);
          for (long group = from; group < to; group++) {
            MemorySegment bytes = m.memory().asSlice(m.row(group * width), rows.length);
            copy.copyFrom(bytes);
            group(m.dtype(), m.columns(), copy, bytes);
          }
        });
  }

  /// Up to [#width] rows, one after the other in `in`, as a group; the rows that lack are zero. Of
  /// a row 32 columns are read at a time, so that what is written of them stays in the cache.
  static void group(DType dtype, int columns, MemorySegment in, MemorySegment out) {
    long row = dtype.bytes(columns);
    int width = width(dtype);
    for (int p = 0; p < columns; p += BLOCK) {
      int end = Math.min(columns, p + BLOCK);
      long to = dtype.bytes(p) * width;
      for (int j = 0; j < width; j++) {
        long from = j * row + dtype.bytes(p);
        switch (dtype) {
          case F32 -> f32Row(in, from, out, to + 4 * j, end - p);
          case F16 -> f16Row(in, from, out, to + 2 * j, end - p);
          case BF16 -> {
            if (j % WIDTH < V) {
              long pair = to + 2 * (j / WIDTH * WIDTH) + 4 * (j % V);
              bf16Rows(in, from, from + V * row, out, pair, end - p);
            }
          }
          case Q8_0 -> {
            out.set(JAVA_SHORT_UNALIGNED, to + 2 * j, in.get(JAVA_SHORT_UNALIGNED, from));
            for (int i = 0; i < BLOCK; i++) {
              out.set(JAVA_BYTE, to + (2 + i) * width + j, in.get(JAVA_BYTE, from + 2 + i));
            }
          }
          case Q4_0 -> {
            out.set(JAVA_SHORT_UNALIGNED, to + 2 * j, in.get(JAVA_SHORT_UNALIGNED, from));
            q4Row(in, from + 2, out, to + SCALES, j);
          }
          case I32 -> throw new IllegalArgumentException("integers are not packed");
        }
      }
    }
  }

  private static void f32Row(MemorySegment in, long from, MemorySegment out, long to, int n) {
    for (int i = 0; i < n; i++) {
      out.set(JAVA_INT_UNALIGNED, to + 4L * WIDTH * i, in.get(JAVA_INT_UNALIGNED, from + 4L * i));
    }
  }

  private static void f16Row(MemorySegment in, long from, MemorySegment out, long to, int n) {
    for (int i = 0; i < n; i++) {
      out.set(
          JAVA_SHORT_UNALIGNED, to + 2L * WIDTH * i, in.get(JAVA_SHORT_UNALIGNED, from + 2L * i));
    }
  }

  /// Two rows as the halves of ints.
  private static void bf16Rows(
      MemorySegment in, long low, long high, MemorySegment out, long to, int n) {
    for (int i = 0; i < n; i++) {
      int lower = in.get(JAVA_SHORT_UNALIGNED, low + 2L * i) & 0xFFFF;
      int upper = in.get(JAVA_SHORT_UNALIGNED, high + 2L * i) << 16;
      out.set(JAVA_INT_UNALIGNED, to + 2L * WIDE * i, upper | lower);
    }
  }

  /// One row's 32 nibbles: byte i has element i in its lower half and element i + 16 in its upper.
  private static void q4Row(MemorySegment in, long from, MemorySegment out, long to, int j) {
    for (int p = 0; p < BLOCK; p += 8) {
      int eight = 0;
      for (int i = p; i < p + 8; i++) {
        int pair = in.get(JAVA_BYTE, from + i % 16);
        eight = eight << 4 | (pair >> (i < 16 ? 0 : 4) & 15 ^ 8);
      }
      out.set(JAVA_INT_UNALIGNED, to + 4L * (p / 8 * WIDTH + j), eight);
    }
  }

  // ---- reading ---------------------------------------------------------------------------------

  /// Elements `k` to `k + kc` of [Tile#WIDTH] rows as a panel of floats.
  ///
  /// @param row the first of them, a multiple of [Tile#WIDTH]
  /// @param k a multiple of the type's block length, as is `kc`
  /// @param out takes element (p, j) at `at + p · WIDTH + j`
  static void panel(Matrix m, int row, int k, int kc, float[] out, int at) {
    MemorySegment memory = m.memory();
    long from = block(m, row, k);
    switch (m.dtype()) {
      case F32, F16 -> Widen.floats(m.dtype(), memory, from, out, at, kc * WIDTH);
      case BF16 -> bf16(memory, from + 2 * (row % WIDE), kc, out, at);
      case Q8_0 -> {
        for (int p = 0; p < kc; p += BLOCK) {
          q8(memory, from + p * 34L / 32 * WIDE, row % WIDE, out, at + p * WIDTH);
        }
      }
      case Q4_0 -> {
        for (int p = 0; p < kc; p += BLOCK) {
          q4(memory, from + p * 18L / 32 * WIDTH, out, at + p * WIDTH);
        }
      }
      case I32 -> throw new IllegalArgumentException("integers are not packed");
    }
  }

  private static void bf16(MemorySegment memory, long from, int kc, float[] out, int at) {
    for (int p = 0; p < kc; p++) {
      IntVector pair = IntVector.fromMemorySegment(I32, memory, from + p * (2L * WIDE), ORDER);
      pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(out, at + p * WIDTH);
      pair.and(UPPER).reinterpretAsFloats().intoArray(out, at + p * WIDTH + V);
    }
  }

  /// @param row of the group, the first of the panel
  private static void q8(MemorySegment memory, long block, int row, float[] out, int at) {
    FloatVector low = scales(memory, block + 2 * row);
    FloatVector high = scales(memory, block + 2 * row + 2 * V);
    for (int p = 0; p < BLOCK; p++) {
      long from = block + (2 + p) * (long) WIDE + row;
      bytes(memory, from, 0).mul(low).intoArray(out, at + p * WIDTH);
      bytes(memory, from, 1).mul(high).intoArray(out, at + p * WIDTH + V);
    }
  }

  private static void q4(MemorySegment memory, long block, float[] out, int at) {
    FloatVector low = scales(memory, block);
    FloatVector high = scales(memory, block + 2 * V);
    for (int p = 0; p < BLOCK; p += 8) {
      long from = block + SCALES + p / 2 * (long) WIDTH;
      IntVector x = IntVector.fromMemorySegment(I32, memory, from, ORDER);
      IntVector y = IntVector.fromMemorySegment(I32, memory, from + 4 * V, ORDER);
      for (int s = 0; s < 8; s++) {
        int to = at + (p + s) * WIDTH;
        topNibble(x).mul(low).intoArray(out, to);
        topNibble(y).mul(high).intoArray(out, to + V);
        x = x.lanewise(VectorOperators.LSHL, 4);
        y = y.lanewise(VectorOperators.LSHL, 4);
      }
    }
  }

  static FloatVector topNibble(IntVector eight) {
    return (FloatVector)
        eight.lanewise(VectorOperators.ASHR, 28).convertShape(VectorOperators.I2F, F32, 0);
  }

  /// V of 2V bytes as floats.
  static FloatVector bytes(MemorySegment memory, long from, int half) {
    if (V == 4) {
      ByteVector both = ByteVector.fromMemorySegment(I8, memory, from, ORDER);
      return (FloatVector) both.convertShape(VectorOperators.B2F, F32, half);
    }
    ByteVector bytes = ByteVector.fromMemorySegment(I8, memory, from + half * V, ORDER);
    return (FloatVector) bytes.convertShape(VectorOperators.B2F, F32, 0);
  }

  /// V halves as floats: their exponent and fraction in the place of a float's are 2⁻¹¹² of the
  /// value, but for infinity and NaN.
  static FloatVector scales(MemorySegment memory, long from) {
    ShortVector halves = ShortVector.fromMemorySegment(I16, memory, from, ORDER);
    IntVector bits = (IntVector) halves.convertShape(VectorOperators.ZERO_EXTEND_S2I, I32, 0);
    IntVector magnitude = bits.and(0x7FFF).lanewise(VectorOperators.LSHL, 13);
    IntVector finite = magnitude.reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts();
    IntVector special = magnitude.or(0x7F800000);
    IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
    return finite
        .blend(special, magnitude.compare(VectorOperators.GE, 0x7C00 << 13))
        .or(sign)
        .reinterpretAsFloats();
  }

  /// A row as floats, for tables.
  static void row(Matrix m, int row, float[] out) {
    if (row >= m.packedRows()) {
      Widen.floats(m.dtype(), m.memory(), m.row(row), out, 0, m.columns());
      return;
    }
    int first = row / WIDTH * WIDTH;
    float[] panel = new float[BLOCK * WIDTH];
    for (int k = 0; k < m.columns(); k += BLOCK) {
      int kc = Math.min(BLOCK, m.columns() - k);
      panel(m, first, k, kc, panel, 0);
      for (int p = 0; p < kc; p++) {
        out[k + p] = panel[p * WIDTH + row - first];
      }
    }
  }

  /// Has the memory deliver some bytes. Who does several operations for each cache line has few of
  /// them on their way at a time; this does one, and many are.
  ///
  /// @param from where they begin; they may end beyond the memory
  /// @return anything: the compiler would drop reading for nothing
  static int fetch(MemorySegment memory, long from, long bytes) {
    int lines = (int) (Math.min(bytes, memory.byteSize() - from) / CACHE_LINE);
    IntVector all = IntVector.zero(I32);
    for (int i = 0; i < lines; i++) {
      all = all.or(IntVector.fromMemorySegment(I32, memory, from + (long) i * CACHE_LINE, ORDER));
    }
    return all.reduceLanes(VectorOperators.OR);
  }
}
