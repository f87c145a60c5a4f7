package dev.yushan.data.hygiene;

/// The script of a Chinese text.
public enum Script {
  TRADITIONAL,
  SIMPLIFIED,
  /// Both, each in more than a stray character.
  MIXED,
  /// Too few characters that only one of the two has: another language, or too short a text.
  UNKNOWN
}
