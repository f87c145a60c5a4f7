package dev.yushan.config;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// What was meant by a key that does not exist.
public final class NearestKey {
  private NearestKey() {}

  /// The key of `known` that `name` is a slip of: another case, hyphens, or underscores left out
  /// cost nothing, and a fifth of the letters may be wrong; else the one key that `name` is a part
  /// of, or one that begins with it. Of equally near ones the first.
  public static Optional<String> of(String name, Collection<String> known) {
    String letters = letters(name);
    Optional<String> slip =
        known.stream()
            .min(Comparator.comparingInt(key -> distance(letters, letters(key))))
            .filter(key -> distance(letters, letters(key)) <= 1 + letters.length() / 5);
    if (slip.isPresent() || letters.length() < 4) {
      return slip;
    }
    List<String> longer = known.stream().filter(key -> letters(key).contains(letters)).toList();
    return longer.stream()
        .filter(key -> longer.size() == 1 || letters(key).startsWith(letters))
        .findFirst();
  }

  private static String letters(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
  }

  /// Letters to be put in, taken out, replaced or swapped with the next (optimal string alignment;
  /// Damerau 1964).
  private static int distance(String a, String b) {
    int[] before = new int[b.length() + 1];
    int[] last = new int[b.length() + 1];
    Arrays.setAll(last, j -> j);
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = last[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, 1 + Math.min(last[j], row[j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          row[j] = Math.min(row[j], before[j - 2] + 1);
        }
      }
      before = last;
      last = row;
    }
    return last[b.length()];
  }
}
