package dev.yushan.model.llama;

import java.util.Optional;

/// The angles of the rotary position embedding (Su et al. 2021), computed once for a model.
public final class Rope {
  private Rope() {}

  /// Radians a position for each pair of a head: `theta^(−2i/headDim)`, `headDim / 2` of them,
  /// scaled where the model says so.
  public static float[] inverseFrequencies(
      int headDim, double theta, Optional<RopeScaling> scaling) {
    float[] frequencies = new float[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      float exponent = (float) (2 * i) / headDim;
      float plain = 1 / (float) Math.pow(theta, exponent);
      frequencies[i] = scaling.map(s -> s.apply(plain)).orElse(plain);
    }
    return frequencies;
  }

  /// The table that the rope kernel reads, `[positions, headDim]`: in each row the cosines of all
  /// pairs, then their sines.
  public static float[] cosSin(float[] inverseFrequencies, int positions) {
    int half = inverseFrequencies.length;
    float[] table = new float[positions * 2 * half];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < half; i++) {
        float angle = p * inverseFrequencies[i];
        table[p * 2 * half + i] = (float) Math.cos(angle);
        table[p * 2 * half + half + i] = (float) Math.sin(angle);
      }
    }
    return table;
  }
}
