package dev.yushan.data.hygiene;

/// What becomes of personal data of one kind.
public enum PiiAction {
  /// Not looked for.
  OFF,
  /// Counted only.
  REPORT,
  /// Replaced by a placeholder.
  REDACT,
  /// The whole document is dropped.
  DROP
}
