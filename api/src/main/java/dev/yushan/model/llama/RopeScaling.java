package dev.yushan.model.llama;

/// How Llama 3.1 and later stretch the rotary embedding beyond the length they were trained on.
///
/// Source: `_compute_llama3_parameters` in `modeling_rope_utils.py` of transformers.
///
/// @param factor wavelengths above `original/low` are stretched by this
/// @param lowFreqFactor see `factor`
/// @param highFreqFactor wavelengths below `original/high` stay; between the two is a ramp
/// @param originalMaxPositions the length the frequencies were made for
public record RopeScaling(
    double factor, double lowFreqFactor, double highFreqFactor, int originalMaxPositions) {

  /// The frequency to use in place of `frequency` (radians a position), in float arithmetic as the
  /// original has it.
  float apply(float frequency) {
    float wavelength = (float) (2 * Math.PI) / frequency;
    if (wavelength < originalMaxPositions / highFreqFactor) {
      return frequency;
    }
    float stretched = frequency / (float) factor;
    if (wavelength > originalMaxPositions / lowFreqFactor) {
      return stretched;
    }
    float smooth =
        (originalMaxPositions / wavelength - (float) lowFreqFactor)
            / (float) (highFreqFactor - lowFreqFactor);
    return (1 - smooth) * stretched + smooth * frequency;
  }
}
