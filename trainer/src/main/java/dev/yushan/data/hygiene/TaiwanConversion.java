package dev.yushan.data.hygiene;

import com.github.houbb.opencc4j.support.datamap.IDataMap;
import com.github.houbb.opencc4j.support.datamap.impl.DataMaps;
import java.util.ArrayList;
import java.util.List;

/// Simplified script to Taiwan's standard, by the dictionaries of opencc4j (OpenCC's, Apache
/// License 2.0): the longest phrase from left to right, else the character, then the variants that
/// Taiwan writes (裡 for 裏, 群 for 羣). With `words` mainland words become Taiwan's too (软件: 軟體, else
/// 軟件). OpenCC calls the two `s2tw` and `s2twp`. opencc4j itself leaves out the variants, so that
/// it writes 覈准 for 核准, and converts half a megabyte a second: of it only the data is used.
///
/// The dictionaries take every text for simplified: in traditional text they would write 里長 as 裡長.
/// Therefore a sentence is converted only if it has as many characters that traditional script
/// lacks as characters that simplified script lacks ([ScriptDetector]); of one that has fewer, only
/// the stray characters are. Converting again changes nothing.
public final class TaiwanConversion {
  /// Pairs of OpenCC's TWVariants: how its dictionaries write, how Taiwan does.
  private static final String VARIANTS =
      "僞偽啓啟喫吃嫺嫻嬀媯峯峰擡抬爲為牀床癡痴皁皂祕秘竈灶糉粽繮韁纔才羣群脣唇蔘參衆眾裏裡覈核鉢缽鍼針鮎鯰麪麵齶顎着著泄洩痹痺棱稜檐簷睾睪踊踴";

  private static final char[] TAIWAN = taiwanVariants();
  private static final Dictionary CHARACTERS = new Dictionary(DataMaps.defaults());

  /// Loaded by the first conversion of words.
  private static final class Words {
    private static final Dictionary WORDS = new Dictionary(DataMaps.taiwan());
  }

  private TaiwanConversion() {}

  /// `text` in traditional script. Sentences without a simplified character are left as they are,
  /// unless the text has no traditional one at all.
  ///
  /// @param words whether words of the mainland become Taiwan's as well
  public static String convert(String text, boolean words) {
    int[] all = sides(text, 0, text.length());
    if (all[1] == 0) {
      return text;
    }
    Dictionary dictionary = words ? Words.WORDS : CHARACTERS;
    StringBuilder out = new StringBuilder(text.length() + 16);
    if (all[0] == 0) {
      dictionary.convert(text, 0, text.length(), out);
      return out.toString();
    }
    for (int start = 0; start < text.length(); ) {
      int end = sentenceEnd(text, start);
      int[] sides = sides(text, start, end);
      if (sides[1] == 0) {
        out.append(text, start, end);
      } else if (sides[1] >= sides[0]) {
        dictionary.convert(text, start, end, out);
      } else {
        for (int i = start; i < end; i++) {
          char c = text.charAt(i);
          out.append(ScriptDetector.isSimplified(c) ? dictionary.character(c) : String.valueOf(c));
        }
      }
      start = end;
    }
    return out.toString();
  }

  private static final class Dictionary {
    private final Phrases phrases;
    private final String[] replacements;
    private final String[] characters = new String[1 << 16];

    private Dictionary(IDataMap data) {
      List<String> from = new ArrayList<>();
      List<String> to = new ArrayList<>();
      data.stPhrase()
          .forEach(
              (phrase, choices) -> {
                if (phrase.length() > 1) {
                  from.add(phrase);
                  to.add(taiwan(choices.getFirst()));
                }
              });
      phrases = new Phrases(from);
      replacements = to.toArray(String[]::new);
      data.stChar()
          .forEach(
              (character, choices) -> {
                if (character.length() == 1) {
                  characters[character.charAt(0)] = taiwan(choices.getFirst());
                }
              });
    }

    private void convert(String text, int from, int to, StringBuilder out) {
      for (int i = from; i < to; ) {
        int phrase = phrases.at(text, i, to);
        if (phrase < 0) {
          out.append(character(text.charAt(i++)));
        } else {
          out.append(replacements[phrase]);
          i += phrases.phrase(phrase).length();
        }
      }
    }

    private String character(char c) {
      return characters[c] == null ? String.valueOf(TAIWAN[c]) : characters[c];
    }
  }

  private static String taiwan(String text) {
    StringBuilder out = new StringBuilder(text);
    for (int i = 0; i < out.length(); i++) {
      out.setCharAt(i, TAIWAN[out.charAt(i)]);
    }
    return out.toString();
  }

  private static char[] taiwanVariants() {
    char[] variants = new char[1 << 16];
    for (int c = 0; c < variants.length; c++) {
      variants[c] = (char) c;
    }
    for (int i = 0; i < VARIANTS.length(); i += 2) {
      variants[VARIANTS.charAt(i)] = VARIANTS.charAt(i + 1);
    }
    return variants;
  }

  private static int sentenceEnd(String text, int start) {
    for (int i = start; i < text.length(); i++) {
      if ("\n。！？；!?".indexOf(text.charAt(i)) >= 0) {
        return i + 1;
      }
    }
    return text.length();
  }

  /// Characters that only traditional, and that only simplified script has.
  private static int[] sides(String text, int from, int to) {
    int[] sides = new int[2];
    for (int i = from; i < to; i++) {
      char c = text.charAt(i);
      if (ScriptDetector.isTraditional(c)) {
        sides[0]++;
      } else if (ScriptDetector.isSimplified(c)) {
        sides[1]++;
      }
    }
    return sides;
  }
}
