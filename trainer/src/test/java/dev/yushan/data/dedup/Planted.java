package dev.yushan.data.dedup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;

/// Pairs of texts of an exactly known Jaccard similarity of their 5-grams.
///
/// A text of random Han characters has n different 5-grams. Changing k characters, each at least 5
/// away from the next and from the ends, changes 5·k of them: (n − 5k) / (n + 5k) is left.
enum Planted {
  J50(50, 300, 20),
  J60(60, 300, 15),
  J70(70, 340, 12),
  J80(80, 360, 8),
  J90(90, 380, 4),
  J95(95, 390, 2),
  /// The same 5-grams, another text: a period once more.
  J100(100, 300, 0);

  private static final Signer SIGNER = new Signer(DedupConfig.DEFAULTS);

  final int percent;
  final int shingles;
  final int changes;

  Planted(int percent, int shingles, int changes) {
    this.percent = percent;
    this.shingles = shingles;
    this.changes = changes;
  }

  double jaccard() {
    return percent / 100.0;
  }

  /// Two texts; that they are `jaccard()` alike is computed and asserted.
  String[] pair(Random random) {
    String text = han(random, shingles + 4);
    String other = text;
    if (changes == 0) {
      String period = han(random, shingles);
      text = period + period;
      other = period + period + period;
    }
    StringBuilder changed = new StringBuilder(other);
    int room = shingles / Math.max(1, changes);
    for (int c = 0; c < changes; c++) {
      int at = c * room + 4 + random.nextInt(room - 8);
      changed.setCharAt(at, (char) (changed.charAt(at) ^ (1 + random.nextInt(15))));
    }
    assertThat(Shingles.jaccard(SIGNER.shingles(text), SIGNER.shingles(changed.toString())))
        .isEqualTo(jaccard());
    return new String[] {text, changed.toString()};
  }

  static String han(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) (0x4E00 + random.nextInt(20_000)));
    }
    return text.toString();
  }
}
