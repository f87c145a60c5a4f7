package dev.yushan.data.hygiene;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Counts words of mainland China for which Taiwan has others (軟件 for 軟體), in either script: the
/// mark of texts that were converted character by character.
///
/// The table (`mainland-words.tsv`) was written for Yushan and pruned on the laws of Taiwan. The
/// longest entry counts from left to right. Words that Taiwan uses in another sense (質量: mass; 程序:
/// procedure) are marked there and count only on demand; Taiwan's own words that contain one (電視頻道
/// has 視頻) are entries too, and count never.
public final class MainlandWords {
  private record Entry(String taiwan, Kind kind) {}

  private enum Kind {
    MAINLAND,
    AMBIGUOUS,
    TAIWAN
  }

  private static final Map<String, Entry> ENTRIES = entries();
  private static final Phrases PHRASES = new Phrases(List.copyOf(ENTRIES.keySet()));

  private MainlandWords() {}

  /// The mainland words in `text`.
  ///
  /// @param ambiguous whether those that Taiwan uses in another sense count
  public static WordCounts count(String text, boolean ambiguous) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    int total = 0;
    for (int i = 0; i < text.length(); i++) {
      int found = PHRASES.at(text, i, text.length());
      if (found < 0) {
        continue;
      }
      String word = PHRASES.phrase(found);
      Kind kind = ENTRIES.get(word).kind();
      if (kind == Kind.MAINLAND || kind == Kind.AMBIGUOUS && ambiguous) {
        counts.merge(word, 1, Integer::sum);
        total++;
      }
      i += word.length() - 1;
    }
    return new WordCounts(total, counts);
  }

  /// The word of Taiwan for one of the mainland, in traditional or simplified script.
  public static Optional<String> taiwanWord(String word) {
    return Optional.ofNullable(ENTRIES.get(word))
        .filter(entry -> entry.kind() != Kind.TAIWAN)
        .map(Entry::taiwan);
  }

  /// The rows of the table: traditional, simplified, Taiwan's word, kind.
  static List<String[]> rows() {
    List<String[]> rows = new ArrayList<>();
    for (String line : Resources.lines("mainland-words.tsv")) {
      rows.add(line.split("\t"));
    }
    return rows;
  }

  private static Map<String, Entry> entries() {
    Map<String, Entry> entries = new HashMap<>();
    for (String[] row : rows()) {
      Entry entry = new Entry(row[2], Kind.valueOf(row[3].toUpperCase(java.util.Locale.ROOT)));
      entries.put(row[0], entry);
      entries.put(row[1], entry);
    }
    return entries;
  }
}
