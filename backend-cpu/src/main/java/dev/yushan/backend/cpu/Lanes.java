package dev.yushan.backend.cpu;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/// The vector width that all kernels of this process use, chosen once so that the compiler sees
/// constants. No result depends on it.
///
/// The widest of 128, 256 and 512 bits that the machine has, or what the system property
/// `yushan.cpu.vectorBits` says: that is how tests compare the widths.
final class Lanes {
  /// The system property that forces a width.
  static final String PROPERTY = "yushan.cpu.vectorBits";

  static final VectorSpecies<Float> F32 = species();
  static final VectorSpecies<Integer> I32 = VectorSpecies.of(int.class, F32.vectorShape());

  /// Elements of a vector: 4, 8 or 16.
  static final int COUNT = F32.length();

  static final VectorSpecies<Short> I16 =
      VectorSpecies.of(short.class, VectorShape.forBitSize(16 * COUNT));

  /// As many bytes as there are lanes, but no fewer than a vector can hold.
  static final VectorSpecies<Byte> I8 =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * COUNT)));

  /// Lanes of every reduction, whatever the width of the vectors that compute them.
  static final int VIRTUAL = 16;

  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  private Lanes() {}

  private static VectorSpecies<Float> species() {
    int bits =
        Integer.getInteger(
            PROPERTY, Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512));
    return switch (bits) {
      case 128 -> FloatVector.SPECIES_128;
      case 256 -> FloatVector.SPECIES_256;
      case 512 -> FloatVector.SPECIES_512;
      default ->
          throw new IllegalArgumentException(
              "system property %s must be 128, 256 or 512, got %d".formatted(PROPERTY, bits));
    };
  }
}
