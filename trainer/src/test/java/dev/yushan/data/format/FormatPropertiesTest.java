package dev.yushan.data.format;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.data.DataRecord;
import dev.yushan.data.OnBadRecord;
import dev.yushan.data.Records;
import dev.yushan.data.SourceConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/// What holds for every text, tried with random ones (`-Dyushan.format.cases` for more of them) and
/// with the laws of Taiwan.
class FormatPropertiesTest {
  private static final int CASES = Integer.getInteger("yushan.format.cases", 4_000);
  private static final long SEED = Long.getLong("yushan.format.seed", 20_241_011);

  /// One law of so many is tried.
  private static final int STEP = Boolean.getBoolean("yushan.thorough") ? 1 : 12;

  private static final List<String> PIECES =
      List.of(
          "玉",
          ":D",
          "[IP位址]",
          "->",
          "<-",
          "€",
          ".NET",
          "$HOME",
          "₁",
          ":\"好",
          "<3",
          "喔",
          "https://a.tw/玉山",
          ".html",
          "C:\\A b\\",
          "<https://a.tw/玉>",
          "山是",
          "臺灣最高的山",
          "第一",
          "三",
          "年",
          "甲",
          "章",
          "條",
          "○",
          "〇",
          "カ゛",
          "ㄅ",
          "a",
          "Java",
          "iPhone",
          "kg",
          "c.c",
          "GHz",
          "m",
          "OFF",
          "é",
          "Ω",
          "Ⅶ",
          "한국어",
          "5",
          "10",
          "3.14",
          "1,234",
          "12:30",
          "2024-10-11",
          "50%",
          "25°C",
          "-5",
          "+886",
          "$100",
          ",",
          ".",
          ";",
          ":",
          "?",
          "!",
          "...",
          "!?",
          "，",
          "。",
          "、",
          "；",
          "：",
          "？",
          "！",
          "…",
          "(",
          ")",
          "[",
          "]",
          "{",
          "}",
          "（",
          "）",
          "「",
          "」",
          "『",
          "』",
          "《",
          "》",
          "〔",
          "〕",
          "\"",
          "'",
          "“",
          "”",
          "‘",
          "’",
          "`",
          "``",
          "```",
          "~~~",
          "$",
          "$$",
          "\\",
          "\\(",
          "\\)",
          "&",
          "+",
          "=",
          "|",
          "<",
          ">",
          "/",
          "-",
          "*",
          "#",
          "@",
          "_",
          "^",
          "~",
          "%",
          "&amp;",
          "&#34;",
          " ",
          " ",
          "  ",
          "   ",
          "\t",
          "\u3000",
          "\u00A0",
          "\u2009",
          "\n",
          "\n",
          "\r\n",
          "\r",
          "\u2028",
          "\u200B",
          "\u200D",
          "\uFEFF",
          "\u0000",
          "\u0007",
          "\u00AD",
          "\f",
          "\u0301",
          "\u3099",
          "\uFE0F",
          "Ａ",
          "ｂ",
          "３",
          "．",
          "／",
          "％",
          "＝",
          "－",
          "﹐",
          "︰",
          "﹙",
          "\uF9D8",
          "ﬁ",
          "①",
          "㎏",
          "😀",
          "👩\u200D👧",
          "1️⃣",
          "𠮷",
          "\uD840",
          "\uDC00",
          "葛\uDB40\uDD00",
          "https://example.com/?q=玉山A級&b=1",
          "www.example.com",
          "example.com/玉山B",
          "a@b.tw",
          "/etc/使用者A",
          "src/a/測試B",
          "./x",
          "C:\\文件A",
          "#話題A",
          "@王小明B",
          "#tag",
          "C#",
          "C++",
          "<div>",
          "<b>",
          "</b>",
          "<br/>",
          "<!-- 註A -->",
          "(^_^)",
          "(T_T)",
          "`x=1,y`",
          "$x>0$",
          "│",
          "─",
          "一、",
          "（一）",
          "1.",
          "第1條",
          "第 一 章 總則",
          "為照顧年滿五十五歲至未滿六十五歲之原住民老人生活，增進原住民老人");

  private static final List<String> OPTIONAL =
      Arrays.stream(Rule.values()).filter(rule -> !rule.onByDefault()).map(Rule::id).toList();

  private static final TextFormatter DEFAULT = TextFormatter.of(FormatConfig.DEFAULTS);
  private static final TextFormatter EVERYTHING =
      TextFormatter.of(new FormatConfig(OPTIONAL, List.of()));

  /// 〇 is a Han character and ○ is none, so that this rule adds one.
  private static final TextFormatter NO_ZERO =
      TextFormatter.of(
          new FormatConfig(
              OPTIONAL.stream().filter(id -> !id.equals(Rule.HAN_ZERO.id())).toList(), List.of()));

  @Test
  void ofRandomTexts() {
    System.out.printf("seed %d, %,d texts%n", SEED, CASES);
    SplittableRandom random = new SplittableRandom(SEED);
    for (int i = 0; i < CASES; i++) {
      StringBuilder text = new StringBuilder();
      int pieces = 1 + random.nextInt(random.nextInt(16) == 0 ? 40 : 9);
      for (int k = 0; k < pieces; k++) {
        text.append(PIECES.get(random.nextInt(PIECES.size())));
      }
      check(text.toString());
    }
  }

  @Test
  void ofRandomRuleSets() {
    SplittableRandom random = new SplittableRandom(SEED + 1);
    for (int i = 0; i < CASES / 40; i++) {
      List<String> enable = new ArrayList<>();
      List<String> disable = new ArrayList<>();
      for (Rule rule : Rule.values()) {
        (random.nextBoolean() ? enable : disable).add(rule.id());
      }
      TextFormatter formatter = TextFormatter.of(new FormatConfig(enable, disable));
      for (int k = 0; k < 20; k++) {
        StringBuilder text = new StringBuilder();
        for (int p = 1 + random.nextInt(12); p > 0; p--) {
          text.append(PIECES.get(random.nextInt(PIECES.size())));
        }
        String once = formatter.format(text.toString());
        assertThat(formatter.format(once)).as("%s of %s", enable, text).isEqualTo(once);
      }
    }
  }

  @Test
  void ofTheLaws() {
    Path here = Path.of("").toAbsolutePath();
    while (here.getParent() != null && !Files.exists(here.resolve("CONTRIBUTING.md"))) {
      here = here.getParent();
    }
    Path file = here.resolveSibling("shared").resolve("corpora/tw-laws-valid.parquet");
    Assumptions.assumeTrue(Files.exists(file), () -> "needs " + file + " beside the repository");
    SourceConfig config =
        new SourceConfig(
            List.of(file.toString()), SourceConfig.DATASET_DIR, "text", OnBadRecord.FAIL);
    int laws = 0;
    try (Records records = Records.open(config)) {
      while (records.hasNext()) {
        String law = ((DataRecord.Text) records.next()).text();
        if (laws++ % STEP == 0) {
          check(law);
        }
      }
    }
    assertThat(laws).isEqualTo(444);
  }

  private static void check(String text) {
    for (TextFormatter formatter : List.of(DEFAULT, EVERYTHING)) {
      String once = formatter.format(text);
      String twice = formatter.format(once);
      if (!twice.equals(once)) {
        assertThat(escaped(twice)).as("again, of %s", escaped(text)).isEqualTo(escaped(once));
      }
    }
    String letters = letters(text);
    for (TextFormatter formatter : List.of(DEFAULT, NO_ZERO)) {
      String formatted = formatter.format(text);
      if (!letters(formatted).equals(letters)) {
        assertThat(escaped(formatted)).as("letters").isEqualTo(escaped(text));
      }
    }
  }

  /// Letters, digits, Han characters and the marks on them; widths folded, decomposed.
  private static String letters(String text) {
    StringBuilder visible = new StringBuilder();
    text.replaceAll("\\r\\n|[\\r\\f\\u000B\\u0085\\u2028\\u2029]", "\n")
        .codePoints()
        .filter(
            c ->
                c == '\n'
                    || !(Character.isISOControl(c) || Character.getType(c) == Character.FORMAT))
        .map(c -> isWide(c) ? c - 0xFEE0 : c)
        .forEach(visible::appendCodePoint);
    StringBuilder letters = new StringBuilder();
    Normalizer.normalize(visible, Normalizer.Form.NFD)
        .codePoints()
        .filter(
            c ->
                Character.isLetterOrDigit(c)
                    || Character.isIdeographic(c)
                    || Character.getType(c) == Character.NON_SPACING_MARK)
        .forEach(letters::appendCodePoint);
    return letters.toString();
  }

  private static boolean isWide(int c) {
    return (c >= 0xFF10 && c <= 0xFF19)
        || (c >= 0xFF21 && c <= 0xFF3A)
        || (c >= 0xFF41 && c <= 0xFF5A);
  }

  private static String escaped(String text) {
    StringBuilder escaped = new StringBuilder();
    for (char c : text.toCharArray()) {
      if (c < 0x20
          || (c >= 0x7F && c < 0x2E80 && !Character.isLetter(c))
          || Character.isSurrogate(c)
          || c >= 0xF900) {
        escaped.append("\\u%04x".formatted((int) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }
}
