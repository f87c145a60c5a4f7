package dev.yushan.random;

/// Random numbers as a pure function of (seed, stream, position): no state, so that any of them can
/// be asked for again, in any order, by any thread, after any resume.
///
/// The bits are two rounds of the SplitMix64 finalizer (Steele, Lea and Flood 2014) over the three
/// counters. Each consumer has its own stream number, so that they never share numbers.
public final class CounterRandom {
  private CounterRandom() {}

  /// 64 random bits.
  public static long bits(long seed, long stream, long position) {
    long key = mix(seed + 0x9E3779B97F4A7C15L * (stream + 1));
    return mix(key + 0x9E3779B97F4A7C15L * (position + 1));
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /// Uniform in [0, 1), a multiple of 2⁻⁵³.
  public static double uniform(long seed, long stream, long position) {
    return (bits(seed, stream, position) >>> 11) * 0x1.0p-53;
  }

  /// Standard normal, by Box and Muller's transform of positions `2·position` and the next.
  public static double gaussian(long seed, long stream, long position) {
    double u = 1 - uniform(seed, stream, 2 * position);
    double v = uniform(seed, stream, 2 * position + 1);
    return StrictMath.sqrt(-2 * StrictMath.log(u)) * StrictMath.cos(2 * Math.PI * v);
  }

  /// A permutation of `0 … n-1` (Fisher and Yates), a pure function of the seed and stream.
  public static int[] permutation(long seed, long stream, int n) {
    int[] order = new int[n];
    for (int i = 0; i < n; i++) {
      int j = (int) (uniform(seed, stream, i) * (i + 1));
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }
}
