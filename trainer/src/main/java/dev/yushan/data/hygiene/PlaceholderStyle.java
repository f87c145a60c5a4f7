package dev.yushan.data.hygiene;

/// How redacted personal data is marked.
public enum PlaceholderStyle {
  /// `[電話]`
  CHINESE,
  /// `[PHONE]`
  ENGLISH
}
