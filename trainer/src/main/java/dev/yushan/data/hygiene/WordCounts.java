package dev.yushan.data.hygiene;

import java.util.Map;

/// Words found in a text.
///
/// @param total how often any of them
/// @param words how often each, as it is spelt in the text, in the order of first occurrence
public record WordCounts(int total, Map<String, Integer> words) {
  public WordCounts {
    words = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(words));
  }

  /// Words a thousand Han characters; 0 where there are none.
  public double perThousand(ScriptProfile profile) {
    return profile.han() == 0 ? 0 : 1000.0 * total / profile.han();
  }
}
