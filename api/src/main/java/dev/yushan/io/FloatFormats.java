package dev.yushan.io;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.OptionalLong;

/// Conversions between the floating-point formats of files and F32, and a scan for values that are
/// not finite. The loops are plain, for the JIT compiler to vectorise: on one core widening and the
/// scan of F32 pass more than 10 GB/s, rounding to BF16 about a billion elements. All segments are
/// little-endian and may be unaligned.
public final class FloatFormats {
  private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE);
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE);
  private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE);
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE);
  private static final ValueLayout.OfDouble F64 =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(LITTLE);

  /// Elements a loop handles before the next begins: the trip count stays an int, which is what the
  /// vectoriser wants, and a scan need not go to the end once it has found something.
  private static final int BLOCK = 1 << 14;

  private FloatFormats() {}

  /// Converts `count` elements of type F64, F32, F16 or BF16 to F32. Exact but for F64, which is
  /// rounded to nearest. Throws [IllegalArgumentException] for any other type.
  public static void widen(StorageType type, MemorySegment from, MemorySegment to, long count) {
    check(from, count, type.bytes(), "source");
    check(to, count, Float.BYTES, "target");
    if (type == StorageType.F32) {
      MemorySegment.copy(from, 0, to, 0, count * Float.BYTES);
      return;
    }
    for (long start = 0; start < count; start += BLOCK) {
      int length = (int) Math.min(BLOCK, count - start);
      MemorySegment source = from.asSlice(start * type.bytes(), (long) length * type.bytes());
      MemorySegment target = to.asSlice(start * Float.BYTES, (long) length * Float.BYTES);
      switch (type) {
        case BF16 -> bf16ToF32(source, target, length);
        case F16 -> f16ToF32(source, target, length);
        case F64 -> f64ToF32(source, target, length);
        default -> throw notReal(type);
      }
    }
  }

  /// Converts `count` F32 elements to F32, F16 or BF16, rounding to nearest, ties to even; values
  /// out of range become infinite, a NaN stays a (quiet) NaN. Throws [IllegalArgumentException] for
  /// any other type.
  public static void narrow(StorageType type, MemorySegment from, MemorySegment to, long count) {
    check(from, count, Float.BYTES, "source");
    check(to, count, type.bytes(), "target");
    if (type == StorageType.F32) {
      MemorySegment.copy(from, 0, to, 0, count * Float.BYTES);
      return;
    }
    for (long start = 0; start < count; start += BLOCK) {
      int length = (int) Math.min(BLOCK, count - start);
      MemorySegment source = from.asSlice(start * Float.BYTES, (long) length * Float.BYTES);
      MemorySegment target = to.asSlice(start * type.bytes(), (long) length * type.bytes());
      switch (type) {
        case BF16 -> f32ToBf16(source, target, length);
        case F16 -> f32ToF16(source, target, length);
        default ->
            throw new IllegalArgumentException("F32 is written as F32, F16 or BF16, not " + type);
      }
    }
  }

  /// The F32 bits of a BF16 value.
  public static float bf16ToFloat(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /// The nearest BF16 value, ties to even.
  public static short floatToBf16(float value) {
    return roundToBf16(Float.floatToRawIntBits(value));
  }

  /// Arithmetic on bits instead of branches: a mask selects what becomes of a NaN.
  private static short roundToBf16(int bits) {
    int rounded = bits + 0x7fff + (bits >>> 16 & 1);
    int nan = 0x7f800000 - (bits & 0x7fffffff) >> 31;
    return (short) ((rounded & ~nan | (bits | 0x400000) & nan) >>> 16);
  }

  /// Index of the first of `count` elements that is infinite or NaN; empty if all are finite.
  /// Integer types have none. Throws [IllegalArgumentException] for 8-bit floats.
  public static OptionalLong firstNonFinite(StorageType type, MemorySegment data, long count) {
    if (!type.real()) {
      if (type == StorageType.F8_E4M3 || type == StorageType.F8_E5M2) {
        throw notReal(type);
      }
      return OptionalLong.empty();
    }
    check(data, count, type.bytes(), "data");
    for (long start = 0; start < count; start += BLOCK) {
      int length = (int) Math.min(BLOCK, count - start);
      MemorySegment block = data.asSlice(start * type.bytes(), (long) length * type.bytes());
      if (hasNonFinite(type, block, length)) {
        return OptionalLong.of(start + indexOfNonFinite(type, block, length));
      }
    }
    return OptionalLong.empty();
  }

  /// Refuses elements that are not finite.
  ///
  /// @param name of their tensor
  /// @param first which of its elements the first of `data` is
  /// @throws IllegalArgumentException naming tensor and element
  public static void requireFinite(
      String name, long first, StorageType type, MemorySegment data, long count) {
    firstNonFinite(type, data, count)
        .ifPresent(
            bad -> {
              throw new IllegalArgumentException(
                  "tensor %s: element %d is infinite or NaN as %s; choose another type"
                      .formatted(name, first + bad, type));
            });
  }

  private static boolean hasNonFinite(StorageType type, MemorySegment block, int length) {
    return switch (type) {
      case F32 -> nonFinite32(block, length) < 0;
      case F64 -> nonFinite64(block, length) < 0;
      case F16 -> nonFinite16(block, length, 0x7c00) < 0;
      case BF16 -> nonFinite16(block, length, 0x7f80) < 0;
      default -> throw notReal(type);
    };
  }

  private static int indexOfNonFinite(StorageType type, MemorySegment block, int length) {
    for (int i = 0; i < length; i++) {
      MemorySegment one = block.asSlice((long) i * type.bytes(), type.bytes());
      if (hasNonFinite(type, one, 1)) {
        return i;
      }
    }
    throw new AssertionError("a block changed while it was read");
  }

  // The sign bit of the result is set if the exponent of any element is all ones.
  private static int nonFinite32(MemorySegment block, int length) {
    int signs = 0;
    for (int i = 0; i < length; i++) {
      signs |= 0x7f7fffff - (block.get(I32, (long) i * 4) & 0x7fffffff);
    }
    return signs;
  }

  private static long nonFinite64(MemorySegment block, int length) {
    long signs = 0;
    for (int i = 0; i < length; i++) {
      signs |= 0x7fefffffffffffffL - (block.get(I64, (long) i * 8) & Long.MAX_VALUE);
    }
    return signs;
  }

  private static int nonFinite16(MemorySegment block, int length, int infinity) {
    int signs = 0;
    for (int i = 0; i < length; i++) {
      signs |= infinity - 1 - (block.get(I16, (long) i * 2) & 0x7fff);
    }
    return signs;
  }

  private static void bf16ToF32(MemorySegment from, MemorySegment to, int length) {
    for (int i = 0; i < length; i++) {
      to.set(I32, (long) i * 4, from.get(I16, (long) i * 2) << 16);
    }
  }

  private static void f16ToF32(MemorySegment from, MemorySegment to, int length) {
    for (int i = 0; i < length; i++) {
      to.set(F32, (long) i * 4, Float.float16ToFloat(from.get(I16, (long) i * 2)));
    }
  }

  private static void f64ToF32(MemorySegment from, MemorySegment to, int length) {
    for (int i = 0; i < length; i++) {
      to.set(F32, (long) i * 4, (float) from.get(F64, (long) i * 8));
    }
  }

  private static void f32ToBf16(MemorySegment from, MemorySegment to, int length) {
    for (int i = 0; i < length; i++) {
      to.set(I16, (long) i * 2, roundToBf16(from.get(I32, (long) i * 4)));
    }
  }

  private static void f32ToF16(MemorySegment from, MemorySegment to, int length) {
    for (int i = 0; i < length; i++) {
      to.set(I16, (long) i * 2, Float.floatToFloat16(from.get(F32, (long) i * 4)));
    }
  }

  private static void check(MemorySegment segment, long count, int elementBytes, String role) {
    if (count < 0 || segment.byteSize() / elementBytes < count) {
      throw new IllegalArgumentException(
          "%s of %d bytes does not hold %d elements of %d bytes"
              .formatted(role, segment.byteSize(), count, elementBytes));
    }
  }

  private static IllegalArgumentException notReal(StorageType type) {
    return new IllegalArgumentException(
        type + " is not a type this library computes with; use F32, F16, BF16 or F64");
  }
}
