package dev.yushan.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorMathTest {
  /// Every 61st float between the arguments where results become 0 and infinity: the distance to
  /// the true value in units in the last place of the float nearest to it.
  @Test
  void exponentialIsWithinOneUnitInTheLastPlace() {
    double worst = 0;
    for (int bits = 0; bits < Float.floatToIntBits(104); bits += 61) {
      float x = Float.intBitsToFloat(bits);
      worst = Math.max(worst, Math.max(error(x), error(-x)));
    }
    assertThat(worst).isLessThan(1);
  }

  private static double error(float x) {
    double wanted = StrictMath.exp(x);
    float actual = VectorMath.exp(x);
    if (wanted > Float.MAX_VALUE) {
      return Float.isInfinite(actual) || actual == Float.MAX_VALUE ? 0 : 9;
    }
    return Math.abs(actual - wanted) / Math.ulp((float) wanted);
  }

  @Test
  void exponentialAtTheEdges() {
    assertThat(VectorMath.exp(0)).isEqualTo(1);
    assertThat(VectorMath.exp(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(VectorMath.exp(-1e30f)).isZero();
    assertThat(VectorMath.exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(VectorMath.exp(1e30f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(VectorMath.exp(Float.NaN)).isNaN();
    assertThat(VectorMath.exp(-103)).isPositive();
  }

  @Test
  void vectorAndScalarHaveTheSameBits() {
    float[] x = new float[Lanes.COUNT];
    float[] y = new float[Lanes.COUNT];
    for (int i = 0; i < 400_000; i += Lanes.COUNT) {
      for (int lane = 0; lane < x.length; lane++) {
        x[lane] = Float.intBitsToFloat((i + lane) * 10_729);
      }
      VectorMath.exp(FloatVector.fromArray(Lanes.F32, x, 0)).intoArray(y, 0);
      for (int lane = 0; lane < x.length; lane++) {
        assertThat(Float.floatToIntBits(y[lane]))
            .as("exp(%s)", x[lane])
            .isEqualTo(Float.floatToIntBits(VectorMath.exp(x[lane])));
      }
    }
  }
}
