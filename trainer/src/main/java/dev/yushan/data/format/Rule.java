package dev.yushan.data.format;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/// The rules, in the order in which they work. Those for characters apply everywhere; those within
/// a line leave [Span]s alone and are repeated until none of them finds anything to do; those
/// across lines come last.
public enum Rule {
  LINE_ENDS(
      "Line ends of all systems become line feeds.",
      Stage.SPLIT,
      eg("甲\r\n乙\r丙", "甲\n乙\n丙"),
      eg("甲\u2028乙\f丙", "甲\n乙\n丙")),
  BYTE_ORDER_MARK(
      "Byte order marks are removed, at the beginning and elsewhere.",
      Characters::byteOrderMark,
      Kind.set(Kind.INVISIBLE),
      eg("\uFEFF玉山", "玉山")),
  CONTROL_CHARACTERS(
      "Control characters are removed, but for tabs.",
      Characters::control,
      Kind.set(Kind.CONTROL),
      eg("玉\u0007山\u0000", "玉山")),
  ZERO_WIDTH(
      "Characters without width are removed, but for joiners within emoji and in scripts that need"
          + " them.",
      Characters::zeroWidth,
      Kind.set(Kind.INVISIBLE),
      eg("玉\u200B山\u00AD", "玉山"),
      eg("👩\u200D👧", "👩\u200D👧")),
  NFC(
      "Characters that Unicode holds equal are written in one way (NFC, not NFKC).",
      Characters::compose,
      ~0,
      eg("cafe\u0301", "café"),
      eg("\uF9D8\u30AB\u3099", "律ガ"),
      eg("①㎏ﬁ", "①㎏ﬁ")),
  FULL_WIDTH_ALPHANUMERICS(
      "Full-width letters and digits become half-width.",
      Widths::lettersAndDigits,
      Kind.set(Kind.WIDE),
      eg("ＡＢＣ１２３", "ABC123")),
  FULL_WIDTH_SIGNS(
      "Full-width signs between half-width letters or digits become half-width; commas and colons"
          + " where they make a number or a time.",
      Widths::signs,
      Kind.set(Kind.WIDE_SYMBOL, Kind.FULL_POINT),
      eg("kg／hr", "kg/hr"),
      eg("３．１４和１，２３４和１６：３２", "3.14 和 1,234 和 16:32"),
      eg("５０％", "50%"),
      eg("公里／小時", "公里／小時")),
  SPACE_CHARACTERS(
      "Ideographic, unbreakable and other spaces within a line become ordinary ones.",
      Widths::spaces,
      Kind.set(Kind.WIDE_SPACE, Kind.ODD_SPACE),
      eg("二　資本數額", "二 資本數額"),
      eg("Type\u00A0C", "Type C")),
  IDEOGRAPHIC_INDENT(
      "Ideographic spaces at the beginning of a line are removed.",
      Widths::wideIndent,
      Kind.set(Kind.WIDE_SPACE),
      eg("　　玉山在臺灣。", "玉山在臺灣。")),
  SMALL_FORMS(
      "Small and vertical forms of punctuation, which Big5 left behind, become the usual ones.",
      Widths::smallForms,
      Kind.set(Kind.SMALL),
      eg("用地︰甲﹑乙﹐丙", "用地：甲、乙，丙")),
  CORNER_QUOTES(
      "Quotation marks around Chinese become 「」, and 『』 inside these.",
      Quotes::corner,
      Kind.set(Kind.QUOTE, Kind.OTHER),
      false,
      eg("他說:\"你好嗎\"", "他說：「你好嗎」"),
      eg("“他說‘好’了”", "「他說『好』了」"),
      eg("他說:\"Hello, how are you?\"", "他說:\"Hello, how are you?\"")),
  HEADING_NUMERALS(
      "Spaces within the numerals of headings and lists are removed.",
      Numerals::headings,
      Kind.set(Kind.SPACE),
      false,
      eg("第 十 二 章 總則", "第十二章 總則"),
      eg("（三  十）存款", "（三十）存款")),
  HAN_ZERO(
      "Circles that stand for zero in Han numerals become 〇.",
      Numerals::zeros,
      Kind.set(Kind.HAN),
      false,
      eg("二○公尺、○．五公尺、○○縣", "二〇公尺、〇．五公尺、○○縣")),
  FULL_WIDTH_PUNCTUATION(
      "Half-width punctuation of Chinese sentences becomes full-width; that of English ones, of"
          + " numbers and of list markers stays.",
      Punctuation::points,
      Kind.set(Kind.POINT),
      eg("你好,世界!真的嗎?", "你好，世界！真的嗎？"),
      eg("我用iPhone,很好.", "我用 iPhone，很好。"),
      eg("Hello, world. 1,234.56", "Hello, world. 1,234.56"),
      eg("他說:\"Hello, how are you?\"", "他說:\"Hello, how are you?\""),
      eg("一.總則", "一.總則")),
  FULL_WIDTH_BRACKETS(
      "Round brackets in Chinese become full-width where a Han character is in them.",
      Punctuation::brackets,
      Kind.set(Kind.OPEN, Kind.CLOSE),
      eg("機構 (以下簡稱各機構) 設備", "機構（以下簡稱各機構）設備"),
      eg("電影(1404)", "電影 (1404)"),
      eg("list.add(玉山)的", "list.add(玉山) 的")),
  NUMBER_UNIT(
      "One space between a number and its unit, or between a percentage and a word.",
      Units::spaced,
      Kind.set(Kind.DIGIT),
      eg("你好嗎Jack這是我們的10c.c", "你好嗎 Jack 這是我們的 10 c.c"),
      eg("5kg 2.4GHz 100m 25%OFF", "5 kg 2.4 GHz 100 m 25% OFF"),
      eg("4G A4 H2O MP3 3D 1st 50% 25°C", "4G A4 H2O MP3 3D 1st 50% 25°C")),
  OPERATORS(
      "Spaces around & + = | < > where a Han character is beside.",
      Spacing::operators,
      Kind.set(Kind.OPERATOR),
      eg("價格=單價+運費", "價格 = 單價 + 運費"),
      eg("他的Q&A和A+B", "他的 Q&A 和 A+B"),
      eg("這是==重點==文字", "這是==重點==文字")),
  BRACKET_SPACE(
      "One space between Han characters and half-width brackets or pairs of quotation marks.",
      Spacing::brackets,
      Kind.set(Kind.OPEN, Kind.CLOSE, Kind.QUOTE, Kind.OPERATOR),
      eg("見附件[1]及\"B\"項", "見附件 [1] 及 \"B\" 項")),
  WORD_SPACE(
      "One space between Han characters and letters, digits, code, addresses, hashtags.",
      Spacing::words,
      Kind.WORD | Kind.set(Kind.SPAN),
      eg("在Java 25裡用`var`", "在 Java 25 裡用 `var`"),
      eg("要$100或-5或50%或C++的", "要 $100 或 -5 或 50% 或 C++ 的"),
      eg("請看https://example.com/?q=玉山A級&b=1，謝謝", "請看 https://example.com/?q=玉山A級&b=1，謝謝")),
  FULL_WIDTH_SPACE(
      "No space beside full-width punctuation.",
      Spacing::fullWidth,
      Kind.set(Kind.SPACE),
      eg("甲 ， 乙（ A ）", "甲，乙（A）")),
  TRAILING_SPACE(
      "Spaces at the end of a line are removed.",
      Spacing::trailing,
      Kind.set(Kind.SPACE, Kind.TAB, Kind.WIDE_SPACE, Kind.ODD_SPACE),
      eg("玉山 \t　", "玉山")),
  JOIN_LINES(
      "Lines that were cut at a fixed width (56 to 88 columns) are joined.",
      Stage.LINES,
      false,
      eg(
          "為照顧年滿五十五歲至未滿六十五歲之原住民老人生活，增進原住民老人\n福祉，特制定本條例。",
          "為照顧年滿五十五歲至未滿六十五歲之原住民老人生活，增進原住民老人福祉，特制定本條例。")),
  BLANK_LINES(
      "Of blank lines that follow each other one is left, none at the beginning and the end.",
      Stage.LINES,
      eg("\n甲\n\n \n乙\n\n", "甲\n\n乙\n"));

  /// Where a rule is at work that is no pass over the characters of a line.
  private enum Stage implements Consumer<Line> {
    SPLIT,
    LINES;

    @Override
    public void accept(Line line) {
      // the work is that of Formatting
    }
  }

  /// A text and what becomes of it, with all rules that are on by default and this one.
  public record Example(String before, String after) {}

  /// The rules for characters.
  static final List<Rule> EVERYWHERE = between(BYTE_ORDER_MARK, NFC);

  /// The rules within a line.
  static final List<Rule> IN_TEXT = between(FULL_WIDTH_ALPHANUMERICS, TRAILING_SPACE);

  private final String id = name().toLowerCase(Locale.ROOT).replace('_', '-');
  private final String description;
  private final Consumer<Line> pass;
  private final int concerned;
  private final boolean on;
  private final List<Example> examples;

  Rule(String description, Consumer<Line> pass, int concerned, boolean on, Example... examples) {
    this.description = description;
    this.pass = pass;
    this.concerned = concerned;
    this.on = on;
    this.examples = List.of(examples);
  }

  Rule(String description, Consumer<Line> pass, int concerned, Example... examples) {
    this(description, pass, concerned, true, examples);
  }

  Rule(String description, Stage stage, boolean on, Example... examples) {
    this(description, stage, 0, on, examples);
  }

  Rule(String description, Stage stage, Example... examples) {
    this(description, stage, 0, true, examples);
  }

  /// As configuration names it: `blank-lines`.
  public String id() {
    return id;
  }

  /// One sentence.
  public String description() {
    return description;
  }

  public boolean onByDefault() {
    return on;
  }

  public List<Example> examples() {
    return examples;
  }

  /// Does its work on `line`; tells whether there was any.
  boolean apply(Line line, Consumer<Change> changes) {
    if (!line.any(concerned)) {
      return false;
    }
    pass.accept(line);
    return line.commit(this, changes);
  }

  static Optional<Rule> of(String id) {
    return Arrays.stream(values()).filter(rule -> rule.id().equals(id)).findFirst();
  }

  /// The ids of all rules, in their order.
  static List<String> ids() {
    return Arrays.stream(values()).map(Rule::id).toList();
  }

  private static List<Rule> between(Rule first, Rule last) {
    return Arrays.asList(values()).subList(first.ordinal(), last.ordinal() + 1);
  }

  private static Example eg(String before, String after) {
    return new Example(before, after);
  }
}
