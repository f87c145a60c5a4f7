package dev.yushan.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FloatFormatsTest {
  private static final int ALL = 1 << 16;

  /// Off by one byte from any alignment, as a file may have it.
  private static MemorySegment unaligned(Arena arena, long bytes) {
    return arena.allocate(bytes + 1, 64).asSlice(1, bytes);
  }

  private static MemorySegment allHalves(Arena arena) {
    MemorySegment halves = unaligned(arena, ALL * 2L);
    for (int bits = 0; bits < ALL; bits++) {
      halves.set(ValueLayout.JAVA_SHORT_UNALIGNED, bits * 2L, (short) bits);
    }
    return halves;
  }

  private static int intAt(MemorySegment segment, long index) {
    return segment.get(ValueLayout.JAVA_INT_UNALIGNED, index * 4);
  }

  private static short shortAt(MemorySegment segment, long index) {
    return segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, index * 2);
  }

  @Test
  void widensEveryF16AsTheJdkDoes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment wide = unaligned(arena, ALL * 4L);
      FloatFormats.widen(StorageType.F16, allHalves(arena), wide, ALL);
      for (int bits = 0; bits < ALL; bits++) {
        float expected = Float.float16ToFloat((short) bits);
        float actual = Float.intBitsToFloat(intAt(wide, bits));
        assertSame(expected, actual, bits);
      }
    }
  }

  @Test
  void widensEveryBf16AndRoundsItBack() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment halves = allHalves(arena);
      MemorySegment wide = unaligned(arena, ALL * 4L);
      MemorySegment back = unaligned(arena, ALL * 2L);
      FloatFormats.widen(StorageType.BF16, halves, wide, ALL);
      FloatFormats.narrow(StorageType.BF16, wide, back, ALL);
      for (int bits = 0; bits < ALL; bits++) {
        assertThat(intAt(wide, bits)).isEqualTo(bits << 16);
        boolean nan = Float.isNaN(Float.intBitsToFloat(bits << 16));
        int expected = nan ? bits | 0x40 : bits;
        assertThat(shortAt(back, bits) & 0xffff).isEqualTo(expected);
      }
    }
  }

  @Test
  void everyF16SurvivesTheWayThere() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment halves = allHalves(arena);
      MemorySegment wide = unaligned(arena, ALL * 4L);
      MemorySegment back = unaligned(arena, ALL * 2L);
      FloatFormats.widen(StorageType.F16, halves, wide, ALL);
      FloatFormats.narrow(StorageType.F16, wide, back, ALL);
      for (int bits = 0; bits < ALL; bits++) {
        float before = Float.float16ToFloat((short) bits);
        assertSame(before, Float.float16ToFloat(shortAt(back, bits)), bits);
      }
    }
  }

  /// Every upper half with the lower halves where rounding turns: below, at and above the tie.
  @Test
  void roundsToTheNearestBf16TiesToEven() {
    int[] lows = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    for (int high = 0; high < ALL; high++) {
      for (int low : lows) {
        int bits = high << 16 | low;
        float value = Float.intBitsToFloat(bits);
        short actual = FloatFormats.floatToBf16(value);
        if (Float.isNaN(value)) {
          assertThat(FloatFormats.bf16ToFloat(actual)).isNaN();
          assertThat(actual < 0).isEqualTo(bits < 0);
          continue;
        }
        boolean up = low > 0x8000 || low == 0x8000 && (high & 1) == 1;
        // A carry out of the mantissa steps the exponent, and from the largest value to infinity.
        assertThat(actual & 0xffff).isEqualTo(up ? high + 1 : high);
      }
    }
  }

  @Test
  void roundedBf16IsTheNearestByExactArithmetic() {
    long seed = System.nanoTime();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    for (int i = 0; i < 20_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt() & 0x7effffff);
      int bits = FloatFormats.floatToBf16(value) & 0xffff;
      BigDecimal exact = new BigDecimal(value);
      BigDecimal error = distance(bits, exact);
      assertThat(error)
          .as("seed %d, %s", seed, value)
          .isLessThanOrEqualTo(distance(bits + 1, exact));
      if (bits > 0) {
        assertThat(error)
            .as("seed %d, %s", seed, value)
            .isLessThanOrEqualTo(distance(bits - 1, exact));
      }
    }
  }

  private static BigDecimal distance(int bf16, BigDecimal exact) {
    return new BigDecimal(FloatFormats.bf16ToFloat((short) bf16)).subtract(exact).abs();
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void bulkNarrowingEqualsTheScalarOne(StorageType type) {
    long seed = System.nanoTime();
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    int count = 100_003;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment wide = unaligned(arena, count * 4L);
      MemorySegment narrow = unaligned(arena, (long) count * type.bytes());
      for (int i = 0; i < count; i++) {
        wide.set(ValueLayout.JAVA_INT_UNALIGNED, i * 4L, random.nextInt());
      }
      FloatFormats.narrow(type, wide, narrow, count);
      for (int i = 0; i < count; i++) {
        float value = Float.intBitsToFloat(intAt(wide, i));
        float actual =
            switch (type) {
              case F16 -> Float.float16ToFloat(shortAt(narrow, i));
              case BF16 -> FloatFormats.bf16ToFloat(shortAt(narrow, i));
              default -> Float.intBitsToFloat(intAt(narrow, i));
            };
        float expected =
            switch (type) {
              case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
              case BF16 -> FloatFormats.bf16ToFloat(FloatFormats.floatToBf16(value));
              default -> value;
            };
        assertThat(Float.floatToIntBits(actual))
            .as("seed %d, element %d", seed, i)
            .isEqualTo(Float.floatToIntBits(expected));
      }
    }
  }

  @Test
  void widensF64ByRounding() {
    double[] values = {0, -0.0, 1, Math.PI, 1e300, -1e300, 1e-300, Double.NaN, Double.MAX_VALUE};
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment wide = unaligned(arena, values.length * 4L);
      MemorySegment doubles = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, values);
      FloatFormats.widen(StorageType.F64, doubles, wide, values.length);
      for (int i = 0; i < values.length; i++) {
        assertSame((float) values[i], Float.intBitsToFloat(intAt(wide, i)), i);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void findsTheFirstNonFiniteWhereverItIs(StorageType type) {
    int count = 3 * (1 << 14) + 5;
    int[] places = {0, 1, 7, (1 << 14) - 1, 1 << 14, (1 << 15) + 13, count - 1};
    long[] patterns = nonFinite(type);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = unaligned(arena, (long) count * type.bytes());
      for (int i = 0; i < count; i++) {
        set(data, type, i, (i & 1) == 0 ? largestFinite(type) : 0);
      }
      assertThat(FloatFormats.firstNonFinite(type, data, count)).isEmpty();
      for (int i = places.length - 1; i >= 0; i--) {
        set(data, type, places[i], patterns[i % patterns.length]);
        assertThat(FloatFormats.firstNonFinite(type, data, count)).hasValue(places[i]);
      }
    }
  }

  /// Every pattern of 16 bits on its own.
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void knowsEveryNonFiniteHalf(StorageType type) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment halves = allHalves(arena);
      for (int bits = 0; bits < ALL; bits++) {
        float value =
            type == StorageType.F16
                ? Float.float16ToFloat((short) bits)
                : FloatFormats.bf16ToFloat((short) bits);
        boolean found =
            FloatFormats.firstNonFinite(type, halves.asSlice(bits * 2L, 2), 1).isPresent();
        assertThat(found).as("%04x", bits).isEqualTo(!Float.isFinite(value));
      }
    }
  }

  @Test
  void integersAreFiniteAndWrongTypesAndSizesAreRefused() {
    MemorySegment eight = MemorySegment.ofArray(new byte[8]).fill((byte) 0xff);
    assertThat(FloatFormats.firstNonFinite(StorageType.I32, eight, 2)).isEmpty();
    assertThatThrownBy(() -> FloatFormats.firstNonFinite(StorageType.F32, eight, 3))
        .hasMessageContaining("8 bytes does not hold 3 elements of 4");
    assertThatThrownBy(() -> FloatFormats.firstNonFinite(StorageType.F8_E5M2, eight, 1))
        .hasMessageContaining("F8_E5M2");
    assertThatThrownBy(() -> FloatFormats.widen(StorageType.I64, eight, eight, 1))
        .hasMessageContaining("I64");
    assertThatThrownBy(() -> FloatFormats.widen(StorageType.BF16, eight, eight, 4))
        .hasMessageContaining("target of 8 bytes");
    assertThatThrownBy(() -> FloatFormats.narrow(StorageType.I32, eight, eight, 1))
        .hasMessageContaining("F32, F16 or BF16, not I32");
  }

  private static void assertSame(float expected, float actual, int bits) {
    if (Float.floatToIntBits(expected) != Float.floatToIntBits(actual)) {
      throw new AssertionError(
          "value %04x: expected %s but was %s".formatted(bits, expected, actual));
    }
  }

  private static long largestFinite(StorageType type) {
    return switch (type) {
      case F64 -> Double.doubleToRawLongBits(-Double.MAX_VALUE);
      case F32 -> Float.floatToRawIntBits(-Float.MAX_VALUE);
      case F16 -> 0xfbff;
      default -> 0xff7f;
    };
  }

  private static long[] nonFinite(StorageType type) {
    return switch (type) {
      case F64 -> new long[] {0x7ff0L << 48, 0xfff0L << 48, 0x7ff8L << 48, (0x7ff0L << 48) + 1};
      case F32 -> new long[] {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, -1};
      case F16 -> new long[] {0x7c00, 0xfc00, 0x7e00, 0x7c01, -1};
      default -> new long[] {0x7f80, 0xff80, 0x7fc0, 0x7f81, -1};
    };
  }

  private static void set(MemorySegment data, StorageType type, long index, long bits) {
    switch (type.bytes()) {
      case 8 -> data.set(ValueLayout.JAVA_LONG_UNALIGNED, index * 8, bits);
      case 4 -> data.set(ValueLayout.JAVA_INT_UNALIGNED, index * 4, (int) bits);
      default -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED, index * 2, (short) bits);
    }
  }
}
