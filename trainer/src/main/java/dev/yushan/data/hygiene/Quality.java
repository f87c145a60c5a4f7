package dev.yushan.data.hygiene;

import java.util.Optional;

/// Filters for texts that teach a model nothing good: too short, in another language, tables and
/// lists of links, repeated, broken.
///
/// Rules after Gopher (Rae et al. 2021, arXiv:2112.11446), with characters in place of words. One
/// pass counts characters and lines, two more hash n-grams; memory is up to 50 bytes a character
/// while it runs.
public final class Quality {
  private static final QualityFilter[] FILTERS = QualityFilter.values();
  private static final Phrases BOILERPLATE = new Phrases(Resources.lines("boilerplate.txt"));
  private static final Phrases WRECKAGE =
      new Phrases(java.util.List.of("锟斤拷", "烫烫烫", "屯屯屯", "錕斤拷", "燙燙燙"));

  /// As much as a Han character says takes about four Latin letters.
  private static final int LATIN_SCALE = 4;

  private static final String BULLETS = "•‧·●○◎■□◆◇▪▫▶►▸◦※★☆*-–—+";
  private static final String SENTENCE_ENDS = "。！？；：，、…」』）】》〉”’.!?;:,)\"']";

  /// The characters that Windows-1252 has for the bytes 80 to 9F.
  private static final String WINDOWS_1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ";

  /// Of each character its class, and whether wreckage or a phrase may begin with it: one table, so
  /// that it stays in the cache.
  private static final byte[] KINDS = kinds();

  /// A longer line is text that happens to hold a phrase of boilerplate.
  private static final int MOST_BOILERPLATE = 60;

  private static final int CLASS = 7;
  private static final int MAY_BE_BOILERPLATE = 8;
  private static final int MAY_BE_WRECKAGE = 16;

  private Quality() {}

  /// Measures `text` and asks the filters, in the order of [QualityFilter].
  public static QualityResult check(String text, QualityConfig config) {
    QualityMeasures measures = measure(text, config);
    for (QualityFilter filter : FILTERS) {
      Optional<Rejection> rejection = filter.reject(measures, config);
      if (rejection.isPresent()) {
        return new QualityResult(measures, rejection);
      }
    }
    return new QualityResult(measures, Optional.empty());
  }

  /// All measures of `text`; of `config` only the sizes of n-grams matter.
  public static QualityMeasures measure(String text, QualityConfig config) {
    Counts counts = new Counts(text);
    Ngrams ngrams = new Ngrams(counts.visible, counts.size);
    int scale = counts.share(CharClass.LATIN) > 0.5 ? LATIN_SCALE : 1;
    return new QualityMeasures(
        counts.size,
        counts.share(CharClass.HAN),
        counts.share(CharClass.LATIN),
        counts.share(CharClass.DIGIT),
        counts.share(CharClass.SYMBOL),
        ratio(counts.of[CharClass.BROKEN] + counts.wreckage, counts.size),
        ratio(counts.bulletLines, counts.lines),
        ratio(counts.ellipsisLines, counts.lines),
        ratio(counts.unpunctuatedLines, counts.lines),
        ratio(counts.boilerplateCharacters, counts.size),
        ratio(counts.duplicateCharacters, counts.size),
        ngrams.top(scale * config.topNgramSize()),
        ngrams.duplicates(scale * config.duplicateNgramSize()));
  }

  private static byte[] kinds() {
    byte[] kinds = new byte[1 << 16];
    for (int i = 0; i < kinds.length; i++) {
      char c = (char) i;
      boolean lead = c >= 0xC2 && c <= 0xE9;
      kinds[i] =
          (byte)
              (CharClass.of(c)
                  | (BOILERPLATE.beginsWith(c) ? MAY_BE_BOILERPLATE : 0)
                  | (lead || WRECKAGE.beginsWith(c) ? MAY_BE_WRECKAGE : 0));
    }
    return kinds;
  }

  private static double ratio(int part, int whole) {
    return whole == 0 ? 0 : Math.min(1, (double) part / whole);
  }

  /// The pass over the text.
  private static final class Counts {
    private final String text;
    private final int[] of = new int[8];
    private final char[] visible;
    private final HashSet64 seenLines = new HashSet64();
    private int size;
    private int wreckage;
    private int lines;
    private int bulletLines;
    private int ellipsisLines;
    private int unpunctuatedLines;
    private int boilerplateCharacters;
    private int duplicateCharacters;

    private Counts(String text) {
      this.text = text;
      this.visible = new char[text.length()];
      int start = 0;
      for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        line(start, end);
        start = end + 1;
      }
      line(start, text.length());
    }

    private void line(int from, int to) {
      int before = size;
      boolean boilerplate = false;
      long hash = 0;
      for (int i = from; i < to; i++) {
        char c = text.charAt(i);
        int kind = KINDS[c];
        if ((kind & CLASS) == CharClass.SPACE) {
          continue;
        }
        of[kind & CLASS]++;
        visible[size++] = c;
        hash = hash * Ngrams.BASE + c;
        if (kind > CLASS) {
          boilerplate |= (kind & MAY_BE_BOILERPLATE) != 0 && BOILERPLATE.at(text, i, to) >= 0;
          wreckage += (kind & MAY_BE_WRECKAGE) != 0 ? wreckageAt(i, to) : 0;
        }
      }
      if (size == before) {
        return;
      }
      lines++;
      char first = visible[before];
      char last = visible[size - 1];
      int length = size - before;
      boilerplateCharacters += boilerplate && length <= MOST_BOILERPLATE ? length : 0;
      bulletLines += size - before > 1 && BULLETS.indexOf(first) >= 0 ? 1 : 0;
      ellipsisLines += endsInEllipsis(before) ? 1 : 0;
      unpunctuatedLines += SENTENCE_ENDS.indexOf(last) < 0 ? 1 : 0;
      duplicateCharacters += seenLines.add(Ngrams.mix(hash)) ? 0 : size - before;
    }

    private boolean endsInEllipsis(int start) {
      char last = visible[size - 1];
      return last == '…'
          || last == '⋯'
          || size - start >= 3
              && last == '.'
              && visible[size - 2] == '.'
              && visible[size - 3] == '.';
    }

    /// Characters of broken text that begins at `i`: 锟斤拷 and its like, or UTF-8 read as
    /// Windows-1252: a lead byte of two or three, and as many as must follow.
    private int wreckageAt(int i, int to) {
      char c = text.charAt(i);
      if (c >= 0xC2 && c <= 0xE9) {
        if (c >= 0xE0 && i + 2 < to && follows(i + 1) && follows(i + 2)) {
          return 3;
        }
        return c <= 0xC3 && i + 1 < to && follows(i + 1) ? 2 : 0;
      }
      int found = WRECKAGE.at(text, i, to);
      return found < 0 ? 0 : WRECKAGE.phrase(found).length();
    }

    private boolean follows(int i) {
      char c = text.charAt(i);
      return c >= 0x80 && c <= 0xBF || WINDOWS_1252.indexOf(c) >= 0;
    }

    private double share(byte kind) {
      return ratio(of[kind], size);
    }
  }
}
