package dev.yushan.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// The rule of Llama 3 in code against its regular expression.
class Llama3SplitTest {
  /// Characters that the rule tells apart, or nearly.
  private static final String CHARACTERS =
      "''''sStTrReEvVmMlLdDſKİı aB中é𠮷12²½Ⅷ𝟙\r\n"
          + " \t\f\u000b\u0085\u00a0\u2028\u3000\u180e\u200b\u001c-.!，👍\u0301\u0000\ufffd";

  private static final Pattern REGEX =
      Pattern.compile(Llama3Split.REGEX, Pattern.UNICODE_CHARACTER_CLASS);

  private static void agrees(String text, String about) {
    List<Integer> expected = new ArrayList<>();
    for (Matcher matcher = REGEX.matcher(text); matcher.find(); ) {
      expected.add(matcher.start());
      expected.add(matcher.end());
    }
    List<Integer> pieces = new ArrayList<>();
    Llama3Split.split(
        text,
        0,
        text.length(),
        (from, to) -> {
          pieces.add(from);
          pieces.add(to);
        });
    assertThat(pieces).as("%s: \"%s\"", about, text).isEqualTo(expected);
  }

  @Test
  void randomText() {
    long seed = new Random().nextLong();
    System.out.println("Llama3SplitTest seed " + seed);
    Random random = new Random(seed);
    int[] characters = CHARACTERS.codePoints().toArray();
    int rounds = 100_000;
    for (int round = 0; round < rounds; round++) {
      StringBuilder text = new StringBuilder();
      for (int length = random.nextInt(14); length > 0; length--) {
        text.appendCodePoint(characters[random.nextInt(characters.length)]);
      }
      agrees(text.toString(), "seed " + seed);
    }
    SampleTexts.mixed(random, 500).forEach(text -> agrees(text, "mixed, seed " + seed));
    SampleTexts.unicode(random, 2000).forEach(text -> agrees(text, "unicode, seed " + seed));
  }

  @Test
  void everyCodePoint() {
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      String s = Character.toString(c);
      agrees("a" + s + s + "1" + s + ".'" + s + " " + s + "\n", "U+%04X".formatted(c));
    }
  }
}
