package dev.yushan.cli.bench;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// A number that was measured a few times.
///
/// @param what is measured: columns of the table, by name; the same in all lines of a report
/// @param unit for example `tokens/s`
/// @param values one for each repetition
/// @param flops operations that a unit stands for, F32, a multiply-add counted as two; 0 where they
///   say nothing
/// @param bytes of memory that a unit stands for: each operand once; 0 where they say nothing
record Measurement(
    Map<String, Object> what, String unit, double[] values, double flops, double bytes) {

  /// A plain number.
  static Measurement of(Map<String, Object> what, String unit, double... values) {
    return new Measurement(what, unit, values, 0, 0);
  }

  /// Names and values in turn: numbers, yes or no, or words.
  static Map<String, Object> columns(Object... namesAndValues) {
    Map<String, Object> columns = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      Object value = namesAndValues[i + 1];
      boolean plain = value instanceof Number || value instanceof Boolean;
      columns.put(namesAndValues[i].toString(), plain ? value : value.toString());
    }
    return columns;
  }

  double median() {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  double min() {
    return Arrays.stream(values).min().orElseThrow();
  }

  double max() {
    return Arrays.stream(values).max().orElseThrow();
  }
}
