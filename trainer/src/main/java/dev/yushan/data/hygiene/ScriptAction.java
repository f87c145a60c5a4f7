package dev.yushan.data.hygiene;

/// What becomes of a document that is not in traditional script.
public enum ScriptAction {
  DROP,
  /// Written in the characters and words of Taiwan: [TaiwanConversion].
  CONVERT,
  KEEP
}
