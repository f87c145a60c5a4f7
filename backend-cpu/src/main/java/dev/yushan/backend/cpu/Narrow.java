package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.I16;
import static dev.yushan.backend.cpu.Lanes.I32;
import static dev.yushan.backend.cpu.Lanes.I8;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.yushan.io.FloatFormats;
import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/// Writes floats as any real type: rounded to nearest even, or quantised in blocks of 32 with the
/// layout and rounding of the GGUF types of the same names.
final class Narrow {
  private static final int V = Lanes.COUNT;
  private static final int BLOCK = 32;

  private Narrow() {}

  /// Writes `n` floats, a whole number of blocks, from byte `to` on.
  static void floats(float[] in, int at, int n, DType dtype, MemorySegment memory, long to) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(in, at, memory, JAVA_FLOAT_UNALIGNED, to, n);
      case BF16 -> bf16(in, at, n, memory, to);
      case F16 -> {
        for (int i = 0; i < n; i++) {
          memory.set(JAVA_SHORT_UNALIGNED, to + 2L * i, Float.floatToFloat16(in[at + i]));
        }
      }
      case Q8_0 -> {
        for (int i = 0; i < n; i += BLOCK) {
          q8(in, at + i, memory, to + i / BLOCK * 34L);
        }
      }
      case Q4_0 -> {
        for (int i = 0; i < n; i += BLOCK) {
          q4(in, at + i, memory, to + i / BLOCK * 18L);
        }
      }
      case I32 -> throw new IllegalArgumentException("floats are not written as integers");
    }
  }

  /// A block as `Blocks` writes it: halves are rounded away from zero.
  private static void q8(float[] in, int at, MemorySegment out, long block) {
    FloatVector most = FloatVector.zero(F32);
    for (int i = 0; i < BLOCK; i += V) {
      most = most.max(FloatVector.fromArray(F32, in, at + i).abs());
    }
    float scale = most.reduceLanes(VectorOperators.MAX) / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.set(JAVA_SHORT_UNALIGNED, block, Float.floatToFloat16(scale));
    for (int i = 0; i < BLOCK; i += V) {
      FloatVector x = FloatVector.fromArray(F32, in, at + i).mul(inverse);
      // what is cut off is exact, where a half added before cutting is not
      IntVector whole = (IntVector) x.convertShape(VectorOperators.F2I, I32, 0);
      FloatVector rest = x.sub((FloatVector) whole.convertShape(VectorOperators.I2F, F32, 0));
      whole = whole.add(1, rest.compare(VectorOperators.GE, 0.5f).cast(I32));
      whole = whole.sub(1, rest.compare(VectorOperators.LE, -0.5f).cast(I32));
      bytes(whole, out, block + 2 + i);
    }
  }

  /// A block as `Blocks` writes it: the first value of the largest magnitude becomes -8.
  private static void q4(float[] in, int at, MemorySegment out, long block) {
    FloatVector magnitudes = FloatVector.zero(F32);
    for (int i = 0; i < BLOCK; i += V) {
      FloatVector magnitude = FloatVector.fromArray(F32, in, at + i).abs();
      // unlike a maximum this passes over NaN
      magnitudes = magnitudes.blend(magnitude, magnitude.compare(VectorOperators.GT, magnitudes));
    }
    float most = magnitudes.reduceLanes(VectorOperators.MAX);
    int first = 0;
    while (most > 0 && Math.abs(in[at + first]) != most) {
      first++;
    }
    float scale = (most > 0 ? in[at + first] : 0) / -8;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.set(JAVA_SHORT_UNALIGNED, block, Float.floatToFloat16(scale));
    for (int i = 0; i < BLOCK / 2; i += V) {
      IntVector low = nibbles(FloatVector.fromArray(F32, in, at + i), inverse);
      IntVector high = nibbles(FloatVector.fromArray(F32, in, at + i + BLOCK / 2), inverse);
      bytes(high.lanewise(VectorOperators.LSHL, 4).or(low), out, block + 2 + i);
    }
  }

  private static IntVector nibbles(FloatVector x, float inverse) {
    FloatVector moved = x.mul(inverse).add(8.5f);
    return ((IntVector) moved.convertShape(VectorOperators.F2I, I32, 0)).min(15);
  }

  private static void bytes(IntVector values, MemorySegment out, long to) {
    if (V < I8.length()) {
      for (int i = 0; i < V; i++) {
        out.set(JAVA_BYTE, to + i, (byte) values.lane(i));
      }
    } else {
      ((ByteVector) values.convertShape(VectorOperators.I2B, I8, 0))
          .intoMemorySegment(out, to, ORDER);
    }
  }

  private static void bf16(float[] in, int at, int n, MemorySegment out, long to) {
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector x = FloatVector.fromArray(F32, in, at + i);
      IntVector bits = x.reinterpretAsInts();
      IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
      IntVector nearest = bits.add(upper.and(1)).add(0x7FFF).lanewise(VectorOperators.LSHR, 16);
      VectorMask<Integer> nan = x.test(VectorOperators.IS_NAN).cast(I32);
      ((ShortVector) nearest.blend(upper.or(0x40), nan).convertShape(VectorOperators.I2S, I16, 0))
          .intoMemorySegment(out, to + 2L * i, ORDER);
    }
    for (; i < n; i++) {
      out.set(JAVA_SHORT_UNALIGNED, to + 2L * i, FloatFormats.floatToBf16(in[at + i]));
    }
  }
}
