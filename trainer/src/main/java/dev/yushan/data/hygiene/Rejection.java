package dev.yushan.data.hygiene;

/// Why a text was refused.
///
/// @param value what was measured
/// @param threshold what the settings allow: the least or the most, as the filter has it
public record Rejection(QualityFilter filter, double value, double threshold) {
  @Override
  public String toString() {
    return String.format(
        java.util.Locale.ROOT,
        "%s: %.4g %s %.4g",
        filter.id(),
        value,
        filter.isMinimum() ? "<" : ">",
        threshold);
  }
}
