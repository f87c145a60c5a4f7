package dev.yushan.data;

/// What happens to a record that cannot be read (key `on_bad_record`).
public enum OnBadRecord {
  /// The run stops and names file and line.
  FAIL,
  /// The record is left out, counted and the first ones are named in the log.
  SKIP;

  /// The constant for a configuration value.
  public static OnBadRecord of(String value) {
    return Choice.of("on_bad_record", OnBadRecord.class, value);
  }
}
