package dev.yushan.data.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.yushan.data.DataException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextFormatterTest {
  private static final TextFormatter DEFAULT = TextFormatter.of(FormatConfig.DEFAULTS);

  private static TextFormatter with(String... rules) {
    return TextFormatter.of(new FormatConfig(List.of(rules), List.of()));
  }

  @Test
  void theTwoPairsOfTheModelCard() {
    assertThat(DEFAULT.format("你好嗎Jack這是我們的10c.c")).isEqualTo("你好嗎 Jack 這是我們的 10 c.c");
    assertThat(DEFAULT.format("他說:\"Hello, how are you?\""))
        .isEqualTo("他說:\"Hello, how are you?\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "The quick brown fox, aged 3.5; jumps: over (the) dog!",
        "1,234.56 · 12:30 · 2024-10-11 · 3.14 · 10:30:05 · 192.168.0.1:8080",
        "4G A4 H2O MP3 3D 1st 50% 25°C 5G 4K B2B 2.0",
        "寄到 someone@example.com.tw 謝謝",
        "請見 https://example.com/a?b=c&d=e,f#g。",
        "| 欄一 | 欄二 |\n|---|---|\n| 甲 | 乙 |",
        "- 項目\n- [ ] 待辦\n1. 「第一」\n> 引言",
        "**粗體**與*斜體*與~~刪除~~",
        "格式二-二十五、丙烯腈-丁二烯-苯乙烯、1,2-二氯乙烷",
        "公里/小時、和/或",
        "다음은 Rust를 사용합니다.",
        "民國 100 年-105 年",
        "👨‍👩‍👧 和 🏳️‍🌈 和 क्‍ष",
        "「你好」、『再見』……——",
        "比例 1：2、第（三）項"
      })
  void whatIsTidyStays(String text) {
    assertThat(DEFAULT.format(text)).isEqualTo(text);
    assertThat(DEFAULT.explain(text)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '→',
      quoteCharacter = '^',
      value = {
        "約50.5美元,€30歐元,$5也行 → 約 50.5 美元，€30 歐元，$5 也行",
        "要++插入++的,甲++乙 → 要++插入++的，甲++乙",
        "變數==值 → 變數 == 值",
        "電阻5kΩ與1MΩ → 電阻 5 kΩ 與 1 MΩ",
        "看github.com/玉山A級/說明B裡 → 看 github.com/玉山A級/說明B裡",
        "見(https://example.com/a)吧 → 見 (https://example.com/a) 吧",
        "用www.example.com的,好 → 用 www.example.com 的，好",
        "在./說明A/x和../y裡 → 在 ./說明A/x 和 ../y 裡",
        "第5章的List<String>型別 → 第 5 章的 List<String> 型別",
        "前後<字A>都有 → 前後 <字 A> 都有",
        "你真的要去嗎?!我不去... → 你真的要去嗎？！我不去...",
        "共計,500元;電話:123 → 共計，500 元；電話：123",
        "Yahoo!奇摩和vs.對手 → Yahoo! 奇摩和 vs. 對手",
        "Hello,世界 → Hello, 世界",
        "他說(對不對?)就走 → 他說（對不對？）就走",
        "縣 (市) 政府 (以下簡稱 → 縣（市）政府（以下簡稱",
        "甲、  乙 → 甲、乙",
        "氣溫-5度,漲+3點 → 氣溫 -5 度，漲 +3 點",
        "寫C#和C++和A+的 → 寫 C# 和 C++ 和 A+ 的",
        "要60W或3mm或100km/h → 要 60 W 或 3 mm 或 100 km/h",
        "型號316L與v1.5m與x5kg → 型號 316L 與 v1.5m 與 x5kg",
        "價$5到$9,公式$a_1$也 → 價 $5 到 $9，公式 $a_1$ 也",
        "一.總則 二.附則 → 一.總則 二。附則",
        "約三.五公尺.完 → 約三.五公尺。完",
        "（甲)與(乙） → （甲）與（乙）",
        "[玉山](https://example.com/玉山)是ABC → [玉山](https://example.com/玉山) 是 ABC",
        "<https://example.com/玉山>是ABC → <https://example.com/玉山> 是 ABC",
        "見https://a.org/wiki/玉山,然後看ABC,好! → 見 https://a.org/wiki/玉山，然後看 ABC，好！",
        "到http://localhost:8080/路/檔.html#段,好? → 到 http://localhost:8080/路/檔.html#段，好？",
        "見https://a.org/wiki/玉山_(消歧義)的 → 見 https://a.org/wiki/玉山_(消歧義)的",
        "在/usr/local/bin/程式,或C:\\Users\\小明\\文.txt → 在 /usr/local/bin/程式，或 C:\\Users\\小明\\文.txt",
        "./腳本.sh執行,../資料/A.csv讀取 → ./腳本.sh 執行，../資料/A.csv 讀取",
        "C:\\Program Files (x86)\\中文\\A.txt檔案 → C:\\Program Files (x86)\\中文\\A.txt 檔案",
        "\"都是中文,對吧?\"他問 → \"都是中文，對吧？\" 他問",
        "小明:\"我很好\"和{\"名\":\"值\"} → 小明：\"我很好\" 和 {\"名\":\"值\"}",
        "和€50和$HOME目錄 → 和 €50 和 $HOME 目錄",
        "以及.NET與x₁與m²的 → 以及 .NET 與 x₁ 與 m² 的",
        "中文->英文=>日文<-韓文 → 中文 -> 英文 => 日文 <- 韓文",
        "甲,(b)乙有10Km與12pt → 甲，(b) 乙有 10 Km 與 12 pt",
        "在[IP位址]與[電話]的 → 在 [IP位址] 與 [電話] 的",
        "好棒:D → 好棒:D",
        "好棒:-P謝謝 → 好棒:-P謝謝",
        "真的:3好可愛 → 真的:3好可愛",
        "好棒:)謝謝;-) → 好棒:)謝謝;-)",
        "(好棒:)謝謝 → （好棒：）謝謝",
        "在#H2G2#與#玉山#上 → 在 #H2G2# 與 #玉山# 上",
        "愛你<3喔 → 愛你<3喔",
        "答案:D,共有:3個 → 答案：D，共有：3 個",
        "問題:Docker,人<3個 → 問題：Docker，人 < 3 個"
      })
  void mended(String before, String after) {
    assertThat(DEFAULT.format(before)).isEqualTo(after);
  }

  /// With every rule on.
  @ParameterizedTest
  @ValueSource(strings = {"看 `“甲A”,二○(乙)（丙) 第 一 章` 吧", "│“甲A”│二○│第 一 章│（丙)│"})
  void whatIsLeftAloneIsLeftAloneByAll(String text) {
    assertThat(TextFormatter.of(new FormatConfig(Rule.ids(), List.of())).format(text))
        .isEqualTo(text);
  }

  @Test
  void fencesHoldAcrossLines() {
    String text = "看A\n~~~ py\nx=\"甲A,乙\" \n\n\n```\n~~~~\n看B\n$$\n甲A=乙\n$$\n看C";
    assertThat(DEFAULT.format(text))
        .isEqualTo("看 A\n~~~ py\nx=\"甲A,乙\" \n\n\n```\n~~~~\n看 B\n$$\n甲A=乙\n$$\n看 C");
    assertThat(DEFAULT.format("```\n甲A \u200B\u0000\r\n乙B")).isEqualTo("```\n甲A \n乙B");
  }

  @Test
  void theEndOfATextStaysAsItIs() {
    assertThat(DEFAULT.format("甲A\n")).isEqualTo("甲 A\n");
    assertThat(DEFAULT.format("甲A")).isEqualTo("甲 A");
    assertThat(DEFAULT.format("")).isEmpty();
    assertThat(DEFAULT.format("\n \n")).isEmpty();
  }

  @Test
  void cutLinesAreJoinedButNotItemsAndHeadings() {
    String cut = "一、前項情形，應由直轄市或縣（市）主管機關於收到申請後三十日內為之，並";
    TextFormatter joining = with("join-lines");
    assertThat(joining.format(cut + "\n    副知中央。")).isEqualTo(cut + "副知中央。");
    assertThat(joining.format(cut + "\n副知 (二\n十一) 。")).isEqualTo(cut + "副知（二\n十一)。");
    for (String next : List.of("二、其他", "（二）其他", "第 12 條", "第 二 章 附則", "4", "- 其他", "", "│甲│")) {
      assertThat(joining.format(cut + "\n" + next))
          .isEqualTo((cut + "\n" + next).strip() + (next.isEmpty() ? "\n" : ""));
    }
    assertThat(joining.format("短短一行\n另一行")).isEqualTo("短短一行\n另一行");
    String english = "It is hereby stated that the competent authority shall without delay give";
    assertThat(joining.format(english + "\nnotice.")).isEqualTo(english + " notice.");
  }

  @Test
  void changesAreToldWithTheirPlaces() {
    assertThat(DEFAULT.explain("你好\n用ＡＢ,好"))
        .containsExactly(
            new Change("full-width-alphanumerics", 2, 2, "Ａ", "A"),
            new Change("full-width-alphanumerics", 2, 3, "Ｂ", "B"),
            new Change("full-width-punctuation", 2, 4, ",", "，"),
            new Change("word-space", 2, 2, "", " "));
  }

  @Test
  void linesOfJoinedTextKeepTheirPlaces() {
    String cut = "依據前項規定應由直轄市或縣（市）主管機關於收到申請後三十日內為之，並";
    assertThat(with("join-lines").explain(cut + "\n  副知A機關。"))
        .extracting(Change::rule, Change::line, Change::column)
        .contains(tuple("join-lines", 1, 35), tuple("word-space", 2, 5));
  }

  @Test
  void aStreamGivesWhatTheWholeGives() {
    String text = "用Java\r\n\r\n\r\n```\nx\n```\n甲A,乙\n";
    FormatStream stream = DEFAULT.stream();
    StringBuilder out = new StringBuilder();
    for (String line : text.split("(?<=\n)")) {
      stream.add(line);
      out.append(stream.take());
    }
    stream.end();
    assertThat(out.append(stream.take()).toString()).isEqualTo(DEFAULT.format(text));
  }

  /// Signs that open something and never close it are not searched again from each place.
  @Test
  void timeGrowsWithTheLength() {
    for (String sign :
        List.of("\\(", "$", "`", "<a ", "(", "/a", "<div>", "玉a,", "\u200B", "$$x", "甲(", "#甲")) {
      String text = sign.repeat(20_000 / sign.length());
      assertThat(DEFAULT.format(text)).isNotNull();
    }
  }

  @Test
  void settingsAreChecked() {
    assertThatThrownBy(() -> new FormatConfig(List.of("quotes"), List.of()))
        .isInstanceOf(DataException.class)
        .hasMessageContainingAll("enable: ", "'quotes'", "corner-quotes");
    assertThatThrownBy(() -> new FormatConfig(List.of("nfc"), List.of("nfc")))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("enable: nfc is in disable too");
    assertThat(
            TextFormatter.of(new FormatConfig(List.of(), List.of("word-space"))).format("用Java,好"))
        .isEqualTo("用Java，好");
  }
}
