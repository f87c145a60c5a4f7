package dev.yushan.data.prepare;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// Texts cut into pieces: nothing is lost, none is too long, and they end where sentences end.
class SentenceSplitTest {
  /// A document of bytes, with BOS and EOS.
  private static final ToIntFunction<String> BYTES =
      text -> text.getBytes(StandardCharsets.UTF_8).length + 2;

  private static final String[] ALPHABET = {
    "山",
    "水",
    "。",
    "，",
    "！",
    "」",
    "\n",
    " ",
    "a",
    "word",
    "🏔",
    "é",
    "\t",
    "；",
    "……",
    "\r\n",
    "\u3000",
    "\n第 3 條\n",
    ". ",
    "12"
  };

  private static List<String> split(String text, int most) {
    List<String> pieces = SentenceSplit.of(text, most, BYTES);
    assertThat(String.join("", pieces)).isEqualTo(text);
    assertThat(pieces).allSatisfy(piece -> assertThat(BYTES.applyAsInt(piece)).isBetween(3, most));
    return pieces;
  }

  @Test
  void randomTextsAreWholeAndShortEnough() {
    long seed = 41;
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 2000; i++) {
      String text =
          random
              .ints(1 + random.nextInt(200), 0, ALPHABET.length)
              .mapToObj(c -> ALPHABET[c])
              .collect(Collectors.joining());
      // no less than the longest character
      split(text, 6 + random.nextInt(60));
    }
  }

  @Test
  void sentencesStayWholeWhereTheyFit() {
    Random random = new Random(42);
    String text = new HanText(random).of(3000);
    int most = 1000;
    assertThat(text.split("(?<=。)")).allMatch(sentence -> BYTES.applyAsInt(sentence) < most);
    List<String> pieces = split(text, most);
    assertThat(pieces).hasSizeGreaterThan(9);
    assertThat(pieces).allMatch(piece -> piece.endsWith("。"));
    // as many as fit: no two neighbours could be one
    for (int p = 1; p < pieces.size(); p++) {
      String next = pieces.get(p).substring(0, pieces.get(p).indexOf('。') + 1);
      assertThat(BYTES.applyAsInt(pieces.get(p - 1) + next)).isGreaterThan(most);
    }
  }

  /// Lines that were cut at a fixed width, with headings.
  @Test
  void linesOfALawAreCutWhereSentencesEnd() {
    String law =
        "第 一 章 總則\n第 1 條\n本法依憲法第\n八條制定之。\n第 2 條\n（刪除）\n\n第 3 條 （主管機關）\n\n"
            + "主管機關為\n內政部。其他\n從其規定。\n";
    assertThat(split(law, 80))
        .containsExactly(
            "第 一 章 總則\n第 1 條\n本法依憲法第\n八條制定之。\n",
            "第 2 條\n（刪除）\n\n",
            "第 3 條 （主管機關）\n\n主管機關為\n內政部。",
            "其他\n從其規定。\n");
    assertThat(split("Article 1\nIt is so. Art. 5, No. 7 and so\non. It ends.\n", 35))
        .containsExactly("Article 1\nIt is so. ", "Art. 5, No. 7 and so\non. ", "It ends.\n");
  }

  /// Where no sentence ends, the end of a line is the best; a column of numbers is no heading.
  @Test
  void otherLinesAreCutAtTheirEnds() {
    assertThat(split("甲地，一\n乙地，二\n", 20)).containsExactly("甲地，一\n", "乙地，二\n");
    assertThat(split("12\n34\n56\n78\n", 9)).containsExactly("12\n34\n", "56\n78\n");
  }

  /// A better place is taken rather than a few words more.
  @Test
  void theBestPlaceInTheSecondHalfIsTaken() {
    assertThat(split("山水山水山。\n天地，玄黃，宇宙，洪荒。\n", 40)).containsExactly("山水山水山。\n", "天地，玄黃，宇宙，洪荒。\n");
  }

  @Test
  void linesComeBeforeSentencesAndCommasAfter() {
    assertThat(split("山水。山水。\n山水。\n", 24)).containsExactly("山水。山水。\n", "山水。\n");
    assertThat(split("山水。山水，山水。", 14)).containsExactly("山水。", "山水，", "山水。");
    assertThat(split("他說：「山水。」走了。", 28)).containsExactly("他說：「山水。」", "走了。");
    assertThat(split("one two three", 10)).containsExactly("one two ", "three");
  }

  @Test
  void oneSentenceThatIsLongerIsCutAtCommas() {
    String text = "山水天地，".repeat(100) + "。";
    assertThat(split(text, 100)).allMatch(piece -> piece.matches(".*[，。]"));
  }

  @Test
  void aWordWithoutAnyEndIsCutAnywhere() {
    for (String word : List.of("a".repeat(10_000), "🏔".repeat(10_000), "山".repeat(10_000))) {
      List<String> pieces = split(word, 300);
      assertThat(pieces)
          .allSatisfy(piece -> assertThat(Character.isLowSurrogate(piece.charAt(0))).isFalse());
      // halves of halves are no less than half full
      assertThat(pieces.size()).isLessThan(2 * BYTES.applyAsInt(word) / 298 + 2);
    }
  }

  @Test
  void nothingGivesNothing() {
    assertThat(SentenceSplit.of("", 10, BYTES)).isEmpty();
    assertThat(split("短", 5)).containsExactly("短");
  }
}
