package dev.yushan.data.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.text.Normalizer;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CharactersTest {
  /// Against all of Unicode as the JDK has it: an inert character is as NFC has it alone, and is no
  /// part of a decomposition but the first.
  @Test
  void whatIsInertNeedsNoNormalizer() {
    Set<Character> later = new HashSet<>();
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
        String text = Character.toString(c);
        String parts = Normalizer.normalize(text, Normalizer.Form.NFD);
        for (int i = parts.offsetByCodePoints(0, 1); i < parts.length(); i++) {
          later.add(parts.charAt(i));
        }
        if (Characters.isInert(text.charAt(0))) {
          assertThat(Normalizer.isNormalized(text, Normalizer.Form.NFC)).as("%x", c).isTrue();
        }
      }
    }
    later.removeIf(Character::isSurrogate);
    assertThat(later).isNotEmpty().noneMatch(Characters::isInert);
  }

  /// Surrogates by pairs: those after an inert first half neither change nor combine.
  @Test
  void pairsWithAnInertHalfDoNotCombine() {
    for (int c = Character.MIN_SUPPLEMENTARY_CODE_POINT; c <= Character.MAX_CODE_POINT; c++) {
      String text = Character.toString(c);
      if (Characters.isInert(text.charAt(0))) {
        int type = Character.getType(c);
        assertThat(type).as("%x", c).isNotIn((int) Character.NON_SPACING_MARK);
      }
    }
  }
}
