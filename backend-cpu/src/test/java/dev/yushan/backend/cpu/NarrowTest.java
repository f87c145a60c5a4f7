package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.io.gguf.Blocks;
import dev.yushan.io.gguf.GgufType;
import dev.yushan.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class NarrowTest {
  private static final int UPPER_HALVES = 1 << 16;

  /// Every upper half, with lower halves below, at and above the middle; an odd number of them, so
  /// that the last are not a whole vector.
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF})
  void bf16IsTheNearestOfItsTwoNeighbours(int lower) {
    int n = UPPER_HALVES - 1;
    float[] in = new float[n];
    for (int i = 0; i < n; i++) {
      in[i] = Float.intBitsToFloat((i + 1) << 16 | lower);
    }
    short[] out = new short[n];
    Narrow.floats(in, 0, n, DType.BF16, MemorySegment.ofArray(out), 0);
    for (int i = 0; i < n; i++) {
      int bits = (i + 1) << 16 | lower;
      assertThat(isNearest(bits, out[i] & 0xFFFF)).as("%08x became %04x", bits, out[i]).isTrue();
    }
  }

  /// Blocks as those of files are, to the bit: of few different values, so that the largest is
  /// often there twice, with either sign, or nothing but zeros.
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q8_0", "Q4_0"})
  void blocksAreThoseOfFiles(DType type) {
    long seed = new Random().nextLong();
    System.out.println("NarrowTest.blocksAreThoseOfFiles seed " + seed);
    Random random = new Random(seed);
    int n = 32 * 2000;
    float[] in = new float[n];
    for (int block = 0; block < n / 32; block++) {
      int levels = 1 + random.nextInt(1 << random.nextInt(12));
      float unit = Math.scalb(random.nextFloat(), random.nextInt(40) - 30);
      for (int i = 0; i < 32; i++) {
        float value = unit * (random.nextInt(2 * levels - 1) - levels + 1);
        in[32 * block + i] = random.nextBoolean() ? value : -value;
        if (type == DType.Q4_0 && random.nextInt(200) == 0) {
          in[32 * block + i] = Float.NaN;
        }
      }
    }
    byte[] seen = new byte[Math.toIntExact(type.bytes(n))];
    byte[] wanted = seen.clone();
    Narrow.floats(in, 0, n, type, MemorySegment.ofArray(seen), 0);
    MemorySegment floats = MemorySegment.ofArray(in);
    Blocks.narrow(GgufType.of(type), floats, MemorySegment.ofArray(wanted), n);
    assertThat(seen).isEqualTo(wanted);
  }

  private static boolean isNearest(int bits, int rounded) {
    int below = bits >>> 16;
    if (Float.isNaN(Float.intBitsToFloat(bits))) {
      return Float.isNaN(Float.intBitsToFloat(rounded << 16));
    }
    double value = magnitude(bits);
    double toBelow = value - magnitude(below << 16);
    double toAbove = magnitude(below + 1 << 16) - value;
    boolean up = toAbove < toBelow || toAbove == toBelow && (below & 1) == 1;
    return rounded == (up ? below + 1 : below);
  }

  /// Where infinity is one step above the largest float, as rounding has it.
  private static double magnitude(int bits) {
    double value = Math.abs(Float.intBitsToFloat(bits));
    return Double.isInfinite(value) ? 0x1p128 : value;
  }
}
