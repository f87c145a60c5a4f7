package dev.yushan.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Writes floats as any real type: rounded to nearest even, or quantised in blocks of 32 with the
/// layout and rounding of the GGUF types of the same names.
final class Narrow {
  private static final int BLOCK = 32;

  private Narrow() {}

  /// Writes `n` floats, a whole number of blocks, from byte `to` on.
  static void floats(float[] in, int at, int n, DType dtype, MemorySegment memory, long to) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(in, at, memory, JAVA_FLOAT_UNALIGNED, to, n);
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          memory.set(JAVA_SHORT_UNALIGNED, to + 2L * i, bf16(in[at + i]));
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          memory.set(JAVA_SHORT_UNALIGNED, to + 2L * i, Float.floatToFloat16(in[at + i]));
        }
      }
      case Q8_0 -> {
        for (int i = 0; i < n; i += BLOCK) {
          q8Block(in, at + i, memory, to + i / BLOCK * 34L);
        }
      }
      case Q4_0 -> {
        for (int i = 0; i < n; i += BLOCK) {
          q4Block(in, at + i, memory, to + i / BLOCK * 18L);
        }
      }
      case I32 -> throw new IllegalArgumentException("floats are not written as integers");
    }
  }

  /// The upper half of the nearest float that has one, ties to even; a NaN stays a NaN.
  static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (value != value) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  /// Scale = largest magnitude / 127; values round half away from zero.
  private static void q8Block(float[] in, int at, MemorySegment memory, long block) {
    float most = 0;
    for (int i = 0; i < BLOCK; i++) {
      most = Math.max(most, Math.abs(in[at + i]));
    }
    float scale = most / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    memory.set(JAVA_SHORT_UNALIGNED, block, Float.floatToFloat16(scale));
    for (int i = 0; i < BLOCK; i++) {
      float x = in[at + i] * inverse;
      int rounded = (int) (Math.abs((double) x) + 0.5);
      memory.set(JAVA_BYTE, block + 2 + i, (byte) (x < 0 ? -rounded : rounded));
    }
  }

  /// Scale = the value of largest magnitude / −8, so that it becomes −8.
  private static void q4Block(float[] in, int at, MemorySegment memory, long block) {
    float most = 0;
    for (int i = 0; i < BLOCK; i++) {
      if (Math.abs(in[at + i]) > Math.abs(most)) {
        most = in[at + i];
      }
    }
    float scale = most / -8;
    float inverse = scale == 0 ? 0 : 1 / scale;
    memory.set(JAVA_SHORT_UNALIGNED, block, Float.floatToFloat16(scale));
    for (int i = 0; i < BLOCK / 2; i++) {
      int low = Math.min(15, (int) (in[at + i] * inverse + 8.5f));
      int high = Math.min(15, (int) (in[at + i + BLOCK / 2] * inverse + 8.5f));
      memory.set(JAVA_BYTE, block + 2 + i, (byte) (low | high << 4));
    }
  }
}
