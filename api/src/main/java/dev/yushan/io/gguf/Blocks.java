package dev.yushan.io.gguf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.yushan.io.FloatFormats;
import dev.yushan.io.StorageType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.OptionalLong;

/// Blocks of GGUF types to floats and back, one element after the other: for files. Backends have
/// their own for speed, with the same results.
///
/// Source of layouts and rounding: ggml's `ggml-quants.c`.
public final class Blocks {
  private static final int BLOCK = 32;
  private static final ValueLayout.OfShort I16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Blocks() {}

  /// Whether [#widen] reads the type.
  public static boolean readable(GgufType type) {
    return switch (type) {
      case F32, F16, BF16, Q8_0, Q4_0, Q6_K -> true;
      default -> false;
    };
  }

  /// Writes `count` elements, a whole number of blocks, to `out` as F32.
  public static void widen(GgufType type, MemorySegment in, MemorySegment out, long count) {
    switch (type) {
      case F32, F16, BF16 -> FloatFormats.widen(StorageType.valueOf(type.name()), in, out, count);
      case Q8_0 -> {
        for (long i = 0; i < count / BLOCK; i++) {
          widenQ8(in, i * 34, out, i * BLOCK * 4);
        }
      }
      case Q4_0 -> {
        for (long i = 0; i < count / BLOCK; i++) {
          widenQ4(in, i * 18, out, i * BLOCK * 4);
        }
      }
      case Q6_K -> {
        for (long i = 0; i < count / 256; i++) {
          widenQ6(in, i * 210, out, i * 256 * 4);
        }
      }
      default -> throw new IllegalArgumentException("blocks of type " + type + " are not read");
    }
  }

  private static void widenQ8(MemorySegment in, long block, MemorySegment out, long to) {
    float scale = half(in, block);
    for (int i = 0; i < BLOCK; i++) {
      out.set(F32, to + 4L * i, scale * in.get(JAVA_BYTE, block + 2 + i));
    }
  }

  private static void widenQ4(MemorySegment in, long block, MemorySegment out, long to) {
    float scale = half(in, block);
    for (int i = 0; i < BLOCK / 2; i++) {
      int pair = in.get(JAVA_BYTE, block + 2 + i);
      out.set(F32, to + 4L * i, scale * ((pair & 15) - 8));
      out.set(F32, to + 4L * (i + BLOCK / 2), scale * ((pair >> 4 & 15) - 8));
    }
  }

  /// A super-block of 256: 128 bytes of lower four bits, 64 of upper two, 16 scales, and their
  /// scale. Element i of a half of 128 is in quarter i / 32.
  private static void widenQ6(MemorySegment in, long block, MemorySegment out, long to) {
    float all = half(in, block + 208);
    for (int sixteen = 0; sixteen < 16; sixteen++) {
      int part = sixteen / 8;
      int quarter = sixteen % 8 / 2;
      int first = sixteen % 2 * 16;
      float scale = all * in.get(JAVA_BYTE, block + 192 + 8 * part + first / 16 + 2 * quarter);
      long lows = block + 64 * part + 32 * (quarter % 2) + first;
      long highs = block + 128 + 32 * part + first;
      for (int i = 0; i < 16; i++) {
        int low = in.get(JAVA_BYTE, lows + i) >> (quarter < 2 ? 0 : 4) & 15;
        int high = in.get(JAVA_BYTE, highs + i) >> 2 * quarter & 3;
        out.set(F32, to + 4L * (16 * sixteen + i), scale * ((high << 4 | low) - 32));
      }
    }
  }

  /// The first of `count` elements that is infinite or NaN; in a quantised block all are, if its
  /// scale is.
  public static OptionalLong firstNonFinite(GgufType type, MemorySegment in, long count) {
    return switch (type) {
      case F32, F16, BF16 ->
          FloatFormats.firstNonFinite(StorageType.valueOf(type.name()), in, count);
      case Q8_0, Q4_0 -> firstNonFinite(in, type, 0, count);
      case Q6_K -> firstNonFinite(in, type, 208, count);
      default -> throw new IllegalArgumentException("blocks of type " + type + " are not read");
    };
  }

  /// @param scale where a block has its own
  private static OptionalLong firstNonFinite(
      MemorySegment in, GgufType type, int scale, long count) {
    long bytes = type.bytes(type.blockLength());
    for (long i = 0; i < count / type.blockLength(); i++) {
      if (!Float.isFinite(half(in, i * bytes + scale))) {
        return OptionalLong.of(i * type.blockLength());
      }
    }
    return OptionalLong.empty();
  }

  private static float half(MemorySegment in, long at) {
    return Float.float16ToFloat(in.get(I16, at));
  }

  /// Writes `count` floats as Q8_0 or Q4_0 (rounded as ggml rounds), F32, or rounded to nearest
  /// even as F16 or BF16.
  public static void narrow(GgufType type, MemorySegment in, MemorySegment out, long count) {
    switch (type) {
      case F32, F16, BF16 -> FloatFormats.narrow(StorageType.valueOf(type.name()), in, out, count);
      case Q8_0 -> {
        for (long i = 0; i < count; i += BLOCK) {
          q8(in, 4 * i, out, i / BLOCK * 34);
        }
      }
      case Q4_0 -> {
        for (long i = 0; i < count; i += BLOCK) {
          q4(in, 4 * i, out, i / BLOCK * 18);
        }
      }
      default -> throw new IllegalArgumentException("blocks of type " + type + " are not written");
    }
  }

  /// Scale = largest magnitude / 127; values round half away from zero.
  private static void q8(MemorySegment in, long from, MemorySegment out, long block) {
    float most = 0;
    for (int i = 0; i < BLOCK; i++) {
      most = Math.max(most, Math.abs(in.get(F32, from + 4 * i)));
    }
    float scale = most / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.set(I16, block, Float.floatToFloat16(scale));
    for (int i = 0; i < BLOCK; i++) {
      float x = in.get(F32, from + 4 * i) * inverse;
      int rounded = (int) (Math.abs((double) x) + 0.5);
      out.set(JAVA_BYTE, block + 2 + i, (byte) (x < 0 ? -rounded : rounded));
    }
  }

  /// Scale = the value of largest magnitude / −8, so that it becomes −8.
  private static void q4(MemorySegment in, long from, MemorySegment out, long block) {
    float most = 0;
    for (int i = 0; i < BLOCK; i++) {
      float x = in.get(F32, from + 4 * i);
      most = Math.abs(x) > Math.abs(most) ? x : most;
    }
    float scale = most / -8;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.set(I16, block, Float.floatToFloat16(scale));
    for (int i = 0; i < BLOCK / 2; i++) {
      int low = Math.min(15, (int) (in.get(F32, from + 4 * i) * inverse + 8.5f));
      int high = Math.min(15, (int) (in.get(F32, from + 4 * (i + 16)) * inverse + 8.5f));
      out.set(JAVA_BYTE, block + 2 + i, (byte) (low | high << 4));
    }
  }
}
