package dev.yushan.data;

import dev.yushan.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Counts where a text spells a special token, such as `<|end_of_text|>`.
final class SpecialTexts {
  /// By first character, the longest first.
  private final Map<Character, List<String>> byFirst = new HashMap<>();

  SpecialTexts(Optional<Tokenizer> tokenizer) {
    tokenizer.ifPresent(this::addAll);
  }

  private void addAll(Tokenizer tokenizer) {
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      if (tokenizer.isSpecial(id)) {
        String text = new String(tokenizer.bytes(id), StandardCharsets.UTF_8);
        if (!text.isEmpty()) {
          byFirst.computeIfAbsent(text.charAt(0), c -> new ArrayList<>()).add(text);
        }
      }
    }
    byFirst.values().forEach(l -> l.sort(Comparator.comparing(String::length).reversed()));
  }

  int count(String text) {
    int count = 0;
    for (char first : byFirst.keySet()) {
      for (int at = text.indexOf(first); at >= 0; at = text.indexOf(first, at)) {
        int length = lengthAt(text, at, byFirst.get(first));
        count += length > 0 ? 1 : 0;
        at += Math.max(1, length);
      }
    }
    return count;
  }

  private static int lengthAt(String text, int at, List<String> candidates) {
    for (String candidate : candidates) {
      if (text.startsWith(candidate, at)) {
        return candidate.length();
      }
    }
    return 0;
  }
}
