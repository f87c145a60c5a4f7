package dev.yushan.data.dedup;

import java.util.function.LongSupplier;

/// Hashing of 64-bit words.
final class Mix {
  /// The base of polynomial hashes modulo 2^64: odd, its bits drawn at random.
  static final long BASE = 0x9D3F_27C1_5E86_B4ABL;

  private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

  private Mix() {}

  /// A bijection whose every input bit changes half of the output bits: the finaliser of SplitMix64
  /// (Steele, Lea, Flood 2014).
  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58_476D_1CE4_E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D0_49BB_1331_11EBL;
    return z ^ (z >>> 31);
  }

  /// SplitMix64 from `seed`.
  static LongSupplier words(long seed) {
    long[] state = {seed};
    return () -> mix(state[0] += GOLDEN);
  }

  /// [#BASE] to the power of `exponent`.
  static long power(int exponent) {
    long power = 1;
    for (int i = 0; i < exponent; i++) {
      power *= BASE;
    }
    return power;
  }
}
