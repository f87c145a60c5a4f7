package dev.yushan.train;

import java.lang.Character.UnicodeScript;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Which scripts texts are written in.
final class ScriptShares {
  private static final double LEAST = 0.01;

  private ScriptShares() {}

  /// The share of each script in the letters of `texts`, under its name in Unicode, for example
  /// `{HAN=0.93, LATIN=0.05}`; what is below a hundredth is left out.
  static Map<String, Double> of(List<String> texts) {
    Map<UnicodeScript, Long> letters = new EnumMap<>(UnicodeScript.class);
    for (String text : texts) {
      text.codePoints()
          .filter(Character::isLetter)
          .forEach(letter -> letters.merge(UnicodeScript.of(letter), 1L, Long::sum));
    }
    double all = letters.values().stream().mapToLong(Long::longValue).sum();
    Map<String, Double> shares = new TreeMap<>();
    letters.forEach(
        (script, count) -> {
          if (count / all >= LEAST) {
            shares.put(script.name(), TrainingLog.rounded(count / all, 4));
          }
        });
    return shares;
  }
}
