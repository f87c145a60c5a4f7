package dev.yushan.backend.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.yushan.io.gguf.Blocks;
import dev.yushan.io.gguf.GgufType;
import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;

/// Writes floats as any real type: rounded to nearest even, or quantised in blocks of 32 with the
/// layout and rounding of the GGUF types of the same names.
final class Narrow {
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
      case Q8_0, Q4_0 ->
          Blocks.narrow(
              GgufType.of(dtype),
              MemorySegment.ofArray(in).asSlice(4L * at, 4L * n),
              memory.asSlice(to, dtype.bytes(n)),
              n);
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
}
