package dev.yushan.backend.cpu;

import static dev.yushan.backend.cpu.Lanes.F32;
import static dev.yushan.backend.cpu.Lanes.VIRTUAL;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/// The exponential function, with the same bits for one float and for a vector of any width, and
/// the tree that ends every reduction.
///
/// `exp(x) = 2ⁿ · exp(r)` with n the integer nearest to x / ln 2 and |r| ≤ ln 2 / 2, and exp(r) by
/// the first eight terms of its series in Horner's form (next term below 2⁻²⁷ relative). The error
/// is below 1 unit in the last place for normal results (tested over all of them in steps), and
/// half a subnormal more for subnormal ones. The result is 0 below −104, infinity above 88.73, NaN
/// for NaN.
final class VectorMath {
  private static final float LOG2_E = 1.44269504f;

  /// ln 2 in two parts; the upper has so few bits that its product with n is exact.
  private static final float LN2_HIGH = 0x1.62e4p-1f;

  private static final float LN2_LOW = (float) (Math.log(2) - 0x1.62e4p-1);

  /// Adding it rounds to an integer, which is then in the low bits.
  private static final float ROUND = 0x1.8p23f;

  private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
  private static final float LOWEST = -104;
  private static final float HIGHEST = 89;

  private static final float C2 = 0.5f;
  private static final float C3 = (float) (1 / 6.0);
  private static final float C4 = (float) (1 / 24.0);
  private static final float C5 = (float) (1 / 120.0);
  private static final float C6 = (float) (1 / 720.0);
  private static final float C7 = (float) (1 / 5040.0);

  private VectorMath() {}

  static FloatVector exp(FloatVector v) {
    FloatVector x = v.blend(LOWEST, v.lt(LOWEST));
    x = x.blend(HIGHEST, x.compare(VectorOperators.GT, HIGHEST));
    FloatVector t = x.fma(LOG2_E, ROUND);
    FloatVector n = t.sub(ROUND);
    FloatVector r = n.fma(all(-LN2_HIGH), x);
    r = n.fma(all(-LN2_LOW), r);
    FloatVector p = r.fma(C7, C6);
    p = p.fma(r, all(C5));
    p = p.fma(r, all(C4));
    p = p.fma(r, all(C3));
    p = p.fma(r, all(C2));
    p = p.fma(r, all(1));
    p = p.fma(r, all(1));
    IntVector e = t.reinterpretAsInts().sub(ROUND_BITS);
    IntVector half = e.lanewise(VectorOperators.ASHR, 1);
    return p.mul(power(half)).mul(power(e.sub(half)));
  }

  private static FloatVector power(IntVector e) {
    return e.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
  }

  private static FloatVector all(float value) {
    return FloatVector.broadcast(F32, value);
  }

  /// Lane by lane what the vector form computes.
  static float exp(float v) {
    float x = v < LOWEST ? LOWEST : v > HIGHEST ? HIGHEST : v;
    float t = Math.fma(x, LOG2_E, ROUND);
    float n = t - ROUND;
    float r = Math.fma(n, -LN2_HIGH, x);
    r = Math.fma(n, -LN2_LOW, r);
    float p = Math.fma(r, C7, C6);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r, 1);
    p = Math.fma(p, r, 1);
    int e = Float.floatToRawIntBits(t) - ROUND_BITS;
    int half = e >> 1;
    return p * Float.intBitsToFloat(half + 127 << 23) * Float.intBitsToFloat(e - half + 127 << 23);
  }

  /// The sum of the virtual lanes, folded in halves. Overwrites them.
  static float tree(float[] lanes) {
    for (int half = VIRTUAL / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; i++) {
        lanes[i] += lanes[i + half];
      }
    }
    return lanes[0];
  }
}
