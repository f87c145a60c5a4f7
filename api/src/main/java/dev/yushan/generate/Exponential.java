package dev.yushan.generate;

/// eˣ for x ≤ 0, to within 2 units in the last place, and 0 below −708: twice as fast as
/// [Math#exp], and the same bits on every machine, which `Math.exp` does not promise.
///
/// x = (64·m + j)·ln 2/64 + r gives 2ᵐ · 2^(j/64) · eʳ, with |r| ≤ ln 2/128 (Tang 1989).
final class Exponential {
  private static final int STEPS = 64;
  private static final double PER_STEP = STEPS / 0x1.62e42fefa39efp-1;

  /// ln 2/64 in two parts, the first with so few bits that its products are exact.
  private static final double HIGH = 0x1.62e42fee00000p-1 / STEPS;

  private static final double LOW = 0x1.a39ef35793c76p-33 / STEPS;

  /// Added and taken away, it rounds to an integer, which it leaves in the low bits.
  private static final double ROUND = 0x1.8p52;

  private static final double[] POWERS = new double[STEPS];

  static {
    for (int j = 0; j < STEPS; j++) {
      POWERS[j] = StrictMath.pow(2, (double) j / STEPS);
    }
  }

  private Exponential() {}

  static double exp(double x) {
    if (x < -708) {
      return 0;
    }
    double shifted = x * PER_STEP + ROUND;
    int n = (int) Double.doubleToRawLongBits(shifted);
    double steps = shifted - ROUND;
    double r = (x - steps * HIGH) - steps * LOW;
    double grown = r + r * r * (1 / 2.0 + r * (1 / 6.0 + r * (1 / 24.0 + r * (1 / 120.0))));
    double power = POWERS[n & STEPS - 1];
    double value = power + power * grown;
    // 2^m by the exponent's bits: the result is a normal number
    return Double.longBitsToDouble(Double.doubleToRawLongBits(value) + ((long) (n >> 6) << 52));
  }
}
