package dev.yushan.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlocksTest {
  private static final int COUNT = 256 * 40;

  /// Random bytes, in every second round with a scale that is infinite or NaN, element by element
  /// as ggml describes the types.
  @ParameterizedTest
  @EnumSource(
      value = GgufType.class,
      names = {"Q8_0", "Q4_0", "Q6_K"})
  void blocksAreWhatGgmlSays(GgufType type) {
    long seed = new Random().nextLong();
    System.out.println("BlocksTest.blocksAreWhatGgmlSays seed " + seed);
    Random random = new Random(seed);
    for (int round = 0; round < 20; round++) {
      byte[] bytes = new byte[Math.toIntExact(type.bytes(COUNT))];
      random.nextBytes(bytes);
      ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      int block = (int) type.bytes(type.blockLength());
      int scale = type == GgufType.Q6_K ? block - 2 : 0;
      for (int i = scale; i < bytes.length; i += block) {
        in.putShort(i, (short) (in.getShort(i) & 0xBFFF)); // of magnitude below 2
      }
      if (round % 2 == 0) {
        int bad = random.nextInt(bytes.length / block) * block + scale;
        in.putShort(bad, (short) (0x7C00 | random.nextInt(2)));
      }
      float[] seen = new float[COUNT];
      float[] wanted = new float[COUNT];
      for (int i = 0; i < COUNT; i++) {
        wanted[i] = element(type, in, i);
      }
      Blocks.widen(type, MemorySegment.ofArray(bytes), MemorySegment.ofArray(seen), COUNT);
      assertThat(seen).isEqualTo(wanted);
      OptionalLong bad =
          LongStream.range(0, COUNT).filter(i -> !Float.isFinite(seen[(int) i])).findFirst();
      assertThat(bad.isPresent()).isEqualTo(round % 2 == 0);
      assertThat(Blocks.firstNonFinite(type, MemorySegment.ofArray(bytes), COUNT)).isEqualTo(bad);
    }
  }

  private static float element(GgufType type, ByteBuffer in, int i) {
    int at = i / type.blockLength() * (int) type.bytes(type.blockLength());
    int within = i % type.blockLength();
    return switch (type) {
      case Q8_0 -> half(in, at) * in.get(at + 2 + within);
      case Q4_0 -> half(in, at) * (nibble(in, at + 2 + within % 16, within / 16) - 8);
      case Q6_K -> {
        // a half of 128: 64 bytes of low nibbles, 32 of four times two high bits, 8 scales
        int part = within / 128;
        int rest = within % 128;
        int low = nibble(in, at + 64 * part + rest % 64, rest / 64);
        int high = in.get(at + 128 + 32 * part + rest % 32) >> rest / 32 * 2 & 3;
        int scale = in.get(at + 192 + within / 16);
        yield half(in, at + 208) * scale * (16 * high + low - 32);
      }
      default -> throw new AssertionError(type);
    };
  }

  private static int nibble(ByteBuffer in, int at, int which) {
    return in.get(at) >> 4 * which & 15;
  }

  private static float half(ByteBuffer in, int at) {
    return Float.float16ToFloat(in.getShort(at));
  }
}
