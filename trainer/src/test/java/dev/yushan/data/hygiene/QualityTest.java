package dev.yushan.data.hygiene;

import static dev.yushan.data.hygiene.QualityConfig.DEFAULTS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.data.DataException;
import dev.yushan.data.Laws;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class QualityTest {
  private static final String GOOD =
      "玉山是臺灣的最高峰，海拔三千九百五十二公尺。\n"
          + "每年十二月以後，山頂常見積雪，登山者須備妥冰斧與冰爪。\n"
          + "主峰之外，另有東峰、北峰、南峰與西峰，各具特色。\n"
          + "布農族人稱它為東谷沙飛，意思是避難之地。\n";

  private static Optional<QualityFilter> refusedBy(String text, QualityConfig config) {
    return Quality.check(text, config).rejection().map(Rejection::filter);
  }

  @Test
  void aGoodTextPasses() {
    assertThat(Quality.check(GOOD, DEFAULTS).rejection()).isEmpty();
    assertThat(Quality.check("\uD800" + GOOD + "\uDC00", DEFAULTS).rejection()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(QualityFilter.class)
  void eachFilterRefusesWhatItIsFor(QualityFilter filter) {
    QualityConfig config =
        filter == QualityFilter.UNPUNCTUATED_LINES
            ? new QualityConfig(30, 0.35, false, 1, 1, 1, 1, 1, 0.5, 1, 1, 4, 1, 16, 1)
            : DEFAULTS;
    Rejection rejection = Quality.check(bad(filter), config).rejection().orElseThrow();
    assertThat(rejection.filter()).isEqualTo(filter);
    assertThat(rejection.value() < rejection.threshold()).isEqualTo(filter.isMinimum());
    assertThat(rejection.toString()).startsWith(filter.id() + ": ");
  }

  private static String bad(QualityFilter filter) {
    return switch (filter) {
      case LENGTH -> "太短。";
      case BROKEN -> GOOD + "\uFFFD\uFFFD";
      case HAN -> "This page is written in English only, and has no Chinese on it.";
      case SYMBOL -> GOOD + "★#★#".repeat(10);
      case DIGIT -> GOOD + "20241011".repeat(10);
      case BULLET_LINES -> "• " + GOOD.strip().replace("\n", "\n• ");
      case ELLIPSIS_LINES -> GOOD.replace("\n", "……\n");
      case UNPUNCTUATED_LINES -> GOOD.replace("。\n", "\n");
      case BOILERPLATE_LINES -> GOOD + "版權所有，請勿轉載\nAll Rights Reserved.\nClick HERE\n".repeat(3);
      case DUPLICATE_LINES -> GOOD + GOOD;
      case TOP_NGRAM -> letters(7, 200, "買買買買");
      case DUPLICATE_NGRAMS -> letters(7, 100, "") + repeated();
    };
  }

  /// A sentence that comes twenty times, in lines that differ.
  private static String repeated() {
    return IntStream.range(0, 20)
        .mapToObj(i -> letters(8, 40, "") + (char) ('一' + i) + '\n')
        .collect(Collectors.joining());
  }

  /// Random Han characters, with `between` after every eight of them.
  private static String letters(long seed, int count, String between) {
    Random random = new Random(seed);
    return IntStream.range(0, count)
        .mapToObj(i -> (char) (0x4E00 + random.nextInt(5000)) + (i % 8 == 7 ? between : ""))
        .collect(Collectors.joining());
  }

  @Test
  void ratiosAreWhatTheyAreCalled() {
    QualityMeasures m = Quality.measure("甲乙 AB12\n#，\u3000\n\n甲乙AB12\n┌──┐\n", DEFAULTS);
    assertThat(m.characters()).isEqualTo(14);
    assertThat(m.hanRatio()).isEqualTo(4 / 14.0);
    assertThat(m.latinRatio()).isEqualTo(4 / 14.0);
    assertThat(m.digitRatio()).isEqualTo(4 / 14.0);
    assertThat(m.symbolRatio()).isEqualTo(1 / 14.0);
    assertThat(m.duplicateLineRatio()).isEqualTo(6 / 14.0);
    assertThat(m.unpunctuatedLineRatio()).isEqualTo(2 / 3.0);
    assertThat(m.bulletLineRatio()).isZero();
  }

  @Test
  void ngramsAgreeWithCountingThem() {
    for (long seed = 1; seed <= 20; seed++) {
      Random random = new Random(seed);
      char[] text = new char[50 + random.nextInt(400)];
      for (int i = 0; i < text.length; i++) {
        text[i] = (char) ('a' + random.nextInt(3));
      }
      String s = new String(text);
      Ngrams ngrams = new Ngrams(text, text.length);
      long most =
          IntStream.rangeClosed(0, s.length() - 4)
              .mapToObj(i -> s.substring(i, i + 4))
              .distinct()
              .mapToLong(gram -> covered(s, gram))
              .max()
              .orElse(0);
      double top = most < 20 ? 0 : (double) most / s.length();
      assertThat(ngrams.top(4)).as("seed %d", seed).isEqualTo(top);
      boolean[] covered = new boolean[s.length()];
      for (int i = 0; i + 6 <= s.length(); i++) {
        if (s.indexOf(s.substring(i, i + 6)) < i) {
          java.util.Arrays.fill(covered, i, i + 6, true);
        }
      }
      long count = IntStream.range(0, covered.length).filter(i -> covered[i]).count();
      assertThat(ngrams.duplicates(6))
          .as("seed %d", seed)
          .isCloseTo((double) count / s.length(), within(1e-12));
    }
  }

  /// Characters of `text` in occurrences of `gram`.
  private static long covered(String text, String gram) {
    boolean[] covered = new boolean[text.length()];
    for (int i = text.indexOf(gram); i >= 0; i = text.indexOf(gram, i + 1)) {
      java.util.Arrays.fill(covered, i, i + gram.length(), true);
    }
    return IntStream.range(0, covered.length).filter(i -> covered[i]).count();
  }

  /// A separator, a card number, laughter: a run of one character counts once, however its n-grams
  /// overlap.
  @Test
  void aRunOfOneCharacterIsNotCountedOverAndOver() {
    String words = letters(7, 65, "");
    assertThat(Quality.measure(words + "哈".repeat(10), DEFAULTS).topNgramRatio()).isZero();
    assertThat(Quality.measure(words + "哈".repeat(35), DEFAULTS).topNgramRatio()).isEqualTo(0.35);
  }

  /// A phrase of boilerplate within a paragraph is a part of what that says.
  @Test
  void boilerplateIsInShortLines() {
    String news = "記者王小明／台北報導。立法院今天三讀通過著作權法修正草案，明定未經授權之公開傳輸行為應負民事責任，版權所有人得請求排除侵害，並請求防止，草案將於公布後施行。";
    assertThat(Quality.measure(news, DEFAULTS).boilerplateLineRatio()).isZero();
    assertThat(Quality.check(news, DEFAULTS).rejection()).isEmpty();
    assertThat(Quality.measure(news + "\n版權所有\n", DEFAULTS).boilerplateLineRatio())
        .isBetween(0.01, 0.1);
  }

  @Test
  void brokenTextIsSeen() {
    Charset windows = Charset.forName("windows-1252");
    String mojibake = new String("中華民國憲法".getBytes(StandardCharsets.UTF_8), windows);
    String twice = new String("é".getBytes(StandardCharsets.UTF_8), windows);
    for (String bad : List.of(mojibake, twice, "锟斤拷", "\u0000", "\uFFFE")) {
      assertThat(refusedBy(GOOD + bad, DEFAULTS)).as(bad).contains(QualityFilter.BROKEN);
    }
    String french = "Déjà vu à l’été : çà et là, « Noël » en Île-de-France, 25 °C, café, naïf. ";
    assertThat(Quality.measure(french, DEFAULTS).brokenRatio()).isZero();
  }

  @Test
  void englishPassesWhereItIsAllowed() {
    String english = "A person is presumed innocent until proven guilty according to the law.";
    assertThat(refusedBy(english, DEFAULTS)).contains(QualityFilter.HAN);
    assertThat(refusedBy(english, DEFAULTS.withLatinDocuments())).isEmpty();
  }

  @Test
  void refusesThresholdsThatAreNoShares() {
    assertThatThrownBy(() -> new QualityConfig(0, 1.5, false, 1, 1, 1, 1, 1, 1, 1, 1, 4, 1, 16, 1))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("min_han_ratio: 1.5");
    assertThatThrownBy(() -> new QualityConfig(0, 0, false, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 16, 1))
        .hasMessageContaining("top_ngram_size: 1");
  }

  @Test
  void lawsPass() {
    List<String> laws = Laws.few();
    long refused = laws.stream().filter(law -> refusedBy(law, DEFAULTS).isPresent()).count();
    assertThat((double) refused / laws.size()).isLessThanOrEqualTo(0.005);
    QualityConfig config = DEFAULTS.withLatinDocuments();
    List<String> english = Laws.english();
    long kept = english.stream().filter(law -> refusedBy(law, config).isEmpty()).count();
    assertThat((double) kept / english.size()).isGreaterThan(0.9);
  }
}
