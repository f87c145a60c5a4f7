package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.I16;
import static dev.yushan.backend.cpu.Lanes.I32;
import static dev.yushan.backend.cpu.Lanes.I8;
import static dev.yushan.backend.cpu.Lanes.ORDER;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.yushan.io.FloatFormats;
import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/// Reads stored elements of any real type as floats. Every conversion is exact, but for the one
/// rounding of a quantised value times its scale.
final class Widen {
  private static final int V = Lanes.COUNT;

  /// Up to this length a call of the general copy costs more than the copying.
  private static final int SHORT = 64;

  private static final int PARTS = I8.length() / V;

  private Widen() {}

  /// Reads `n` elements that start at byte `from`, a whole number of blocks.
  static void floats(DType dtype, MemorySegment memory, long from, float[] out, int at, int n) {
    switch (dtype) {
      case F32 -> f32(memory, from, out, at, n);
      case BF16 -> bf16(memory, from, out, at, n);
      case F16 -> f16(memory, from, out, at, n);
      case Q8_0 -> {
        for (int i = 0; i < n; i += 32) {
          q8Block(memory, from + i / 32 * 34L, out, at + i);
        }
      }
      case Q4_0 -> {
        for (int i = 0; i < n; i += 32) {
          q4Block(memory, from + i / 32 * 18L, out, at + i);
        }
      }
      case I32 -> throw new IllegalArgumentException("integers are not read as floats");
    }
  }

  private static void f32(MemorySegment memory, long from, float[] out, int at, int n) {
    if (n > SHORT) {
      MemorySegment.copy(memory, JAVA_FLOAT_UNALIGNED, from, out, at, n);
      return;
    }
    int i = 0;
    for (; i <= n - V; i += V) {
      FloatVector.fromMemorySegment(F32, memory, from + 4L * i, ORDER).intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = memory.get(JAVA_FLOAT_UNALIGNED, from + 4L * i);
    }
  }

  private static void bf16(MemorySegment memory, long from, float[] out, int at, int n) {
    int i = 0;
    for (; i <= n - V; i += V) {
      ShortVector halves = ShortVector.fromMemorySegment(I16, memory, from + 2L * i, ORDER);
      ((IntVector) halves.convertShape(VectorOperators.ZERO_EXTEND_S2I, I32, 0))
          .lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsFloats()
          .intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = FloatFormats.bf16ToFloat(memory.get(JAVA_SHORT_UNALIGNED, from + 2L * i));
    }
  }

  private static void f16(MemorySegment memory, long from, float[] out, int at, int n) {
    for (int i = 0; i < n; i++) {
      out[at + i] = Float.float16ToFloat(memory.get(JAVA_SHORT_UNALIGNED, from + 2L * i));
    }
  }

  private static float scaleOf(MemorySegment memory, long block) {
    return Float.float16ToFloat(memory.get(JAVA_SHORT_UNALIGNED, block));
  }

  private static void q8Block(MemorySegment memory, long block, float[] out, int at) {
    float scale = scaleOf(memory, block);
    for (int i = 0; i < 32; i += I8.length()) {
      ByteVector bytes = ByteVector.fromMemorySegment(I8, memory, block + 2 + i, ORDER);
      store(bytes, scale, out, at + i);
    }
  }

  /// Byte j of a block holds element j in its low half and element j + 16 in its high half.
  private static void q4Block(MemorySegment memory, long block, float[] out, int at) {
    float scale = scaleOf(memory, block);
    for (int i = 0; i < 16; i += I8.length()) {
      ByteVector bytes = ByteVector.fromMemorySegment(I8, memory, block + 2 + i, ORDER);
      ByteVector low = bytes.and((byte) 15).sub((byte) 8);
      ByteVector high = bytes.lanewise(VectorOperators.LSHR, 4).and((byte) 15).sub((byte) 8);
      store(low, scale, out, at + i);
      store(high, scale, out, at + i + 16);
    }
  }

  private static void store(ByteVector bytes, float scale, float[] out, int at) {
    for (int part = 0; part < PARTS; part++) {
      ((FloatVector) bytes.convertShape(VectorOperators.B2F, F32, part))
          .mul(scale)
          .intoArray(out, at + part * V);
    }
  }
}
