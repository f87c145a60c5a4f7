package dev.yushan.data.format;

import dev.yushan.data.hygiene.PiiKind;
import dev.yushan.data.hygiene.PlaceholderStyle;
import java.util.Arrays;
import java.util.List;

/// What rules leave alone within a line, found before any of them works. Numbers, dates, times and
/// e-mail addresses need no span: no rule acts between two half-width characters.
enum Span {
  CODE("Inline code between backticks.", "用`ls -l,a`看檔案,好嗎?", "用 `ls -l,a` 看檔案，好嗎？"),
  TEX(
      "Formulas: `$…$`, `$$…$$`, `\\(…\\)`, `\\[…\\]`.",
      "令$f(x)=\\text{若x>0,則1}$成立",
      "令 $f(x)=\\text{若x>0,則1}$ 成立"),
  ADDRESS(
      "Addresses with a scheme, `www.`, or a domain before a slash. Han characters belong to one"
          + " in a part of the path or query that begins with one.",
      "見https://zh.wikipedia.org/wiki/玉山A級?q=高山B級&lang=zh的說明",
      "見 https://zh.wikipedia.org/wiki/玉山A級?q=高山B級&lang=zh 的說明"),
  PATH(
      "File paths that are absolute, or relative with two slashes.",
      "查看/home/使用者A/報告B.txt、在C:\\文件A裡",
      "查看 /home/使用者A/報告B.txt、在 C:\\文件A裡"),
  TAG(
      "HTML tags and entities. A tag that is only spoken of is a word.",
      "<p title=\"甲A:乙,丙\">文字&amp;一個<div>標籤</p>",
      "<p title=\"甲A:乙,丙\">文字&amp;一個 <div> 標籤</p>"),
  TOPIC("Hashtags and mentions.", "參加#玉山A級路線 的@王小明B 請看", "參加 #玉山A級路線 的 @王小明B 請看"),
  FACE(
      "Emoticons: those in brackets, `:D :P :O :)` with or without a nose, and `<3 :3` before a"
          + " word that nothing is counted by.",
      "好棒(^_^)喔,謝謝:D愛你<3喔,共有:3人<5人",
      "好棒(^_^)喔，謝謝:D愛你<3喔，共有：3 人 < 5 人"),
  PLACEHOLDER("What stands for personal data that was taken out.", "在[IP位址]上", "在 [IP位址] 上"),
  FENCE(
      "Lines between ``` or ~~~, and between lines of `$$`.",
      "程式A\n```\nx=1;//甲A,乙\n\n\n```",
      "程式 A\n```\nx=1;//甲A,乙\n\n\n```"),
  DRAWING("Lines with a drawn table, whose columns would shift.", "│甲A│乙 ,丙│", "│甲A│乙 ,丙│");

  /// Kinds one of which is in every line that has a span.
  static final int BEGINNINGS =
      Kind.set(Kind.SYMBOL, Kind.OPERATOR, Kind.POINT, Kind.OPEN, Kind.BOX);

  /// How far a closing sign is looked for, so that time grows with the length of a line only.
  static final int LONGEST = 1024;

  /// After these a letter is the answer to a question: `答案:D`.
  private static final String ANSWERED = "案項選答為是";

  /// Before these a number counts nothing.
  private static final String UNCOUNTED = "喔哦啊呀啦囉耶唷嗎呢吧好我你妳他她真很超";

  /// In Chinese; the English ones are words in brackets.
  private static final List<String> PLACEHOLDERS =
      Arrays.stream(PiiKind.values())
          .map(kind -> kind.placeholder(PlaceholderStyle.CHINESE))
          .toList();

  private static final String FACE_SIGNS = "^_;-=・ω∀ﾟД´｀*><~oOTwux";

  private final String description;
  private final Rule.Example example;

  Span(String description, String before, String after) {
    this.description = description;
    this.example = new Rule.Example(before, after);
  }

  String description() {
    return description;
  }

  /// A text that has such a span with Han and half-width characters in it.
  Rule.Example example() {
    return example;
  }

  /// Finds the spans of `line` from left to right, and gives their characters kinds of their own.
  static void protectAll(Line line) {
    if (line.any(Kind.set(Kind.BOX))) {
      line.protect(0, line.length(), Kind.MARKUP);
      return;
    }
    for (int i = 0; i < line.length(); i++) {
      if (!line.in(i, Kind.set(Kind.SYMBOL, Kind.OPERATOR, Kind.POINT, Kind.OPEN))) {
        continue;
      }
      int end =
          switch (line.at(i)) {
            case '`' -> code(line, i);
            case '$', '\\' -> tex(line, i);
            case ':' -> Math.max(mouth(line, i), Address.protect(line, i));
            case '.', '/' -> Address.protect(line, i);
            case ';' -> mouth(line, i);
            case '<' -> Math.max(mouth(line, i), Tag.protect(line, i));
            case '#' -> Math.max(topic(line, i), Address.protect(line, i));
            case '@' -> topic(line, i);
            case '&' -> Tag.entity(line, i);
            case '(' -> face(line, i);
            case '[' -> placeholder(line, i);
            default -> i;
          };
      i = Math.max(i, end - 1);
    }
  }

  /// As many backticks as began it end it.
  private static int code(Line line, int start) {
    int opened = run(line, start, '`');
    for (int i = start + opened; i < line.length(); i++) {
      if (line.has(i, '`')) {
        int closed = run(line, i, '`');
        i += closed;
        if (closed == opened) {
          line.protect(start, i, Kind.SPAN);
          return i;
        }
      }
    }
    return start + opened;
  }

  private static int run(Line line, int start, char c) {
    int i = start;
    while (line.has(i, c)) {
      i++;
    }
    return i - start;
  }

  private static int tex(Line line, int start) {
    int end =
        line.hasWord(start, "\\(")
            ? after(line, start + 2, "\\)")
            : line.hasWord(start, "\\[")
                ? after(line, start + 2, "\\]")
                : line.hasWord(start, "$$")
                    ? after(line, start + 2, "$$")
                    : line.has(start, '$') ? dollars(line, start) : -1;
    if (end < 0) {
      return start;
    }
    line.protect(start, end, Kind.SPAN);
    return end;
  }

  private static int after(Line line, int from, String closing) {
    for (int i = from + 1; i < Math.min(line.length(), from + LONGEST); i++) {
      if (line.hasWord(i, closing)) {
        return i + closing.length();
      }
    }
    return -1;
  }

  /// No amount of money: no space inside the dollars, no digit behind them, and Han characters only
  /// beside a command.
  private static int dollars(Line line, int start) {
    boolean command = false;
    boolean han = false;
    int end = start + 1;
    while (end < line.length() && !line.has(end, '$')) {
      command |= line.has(end, '\\');
      han |= line.is(end, Kind.HAN) || line.in(end, Kind.FULL);
      end++;
    }
    boolean formula =
        end < line.length()
            && end > start + 1
            && !line.is(start + 1, Kind.SPACE)
            && !line.is(end - 1, Kind.SPACE)
            && !line.is(end + 1, Kind.DIGIT)
            && (!han || command);
    return formula ? end + 1 : -1;
  }

  /// `#word`, `@name`. One that begins with a Han character goes on to the next space or sign, one
  /// that begins with a letter to the next Han character. `#話題#` is one too; `C#` and `#1` none.
  private static int topic(Line line, int start) {
    boolean apart = !line.in(start - 1, Kind.WORD | Kind.set(Kind.SYMBOL, Kind.OPERATOR));
    int end = start + 1;
    if (!apart) {
      return start;
    }
    if (line.is(end, Kind.HAN)) {
      while (line.in(end, Kind.WORD | Kind.set(Kind.HAN)) || line.has(end, '_')) {
        end++;
      }
      if (line.has(start, '#') && line.has(end, '#')) {
        end++;
      }
    } else if (line.is(end, Kind.LATIN) || line.has(end, '_')) {
      while (line.in(end, Kind.WORD) || line.has(end, '_')) {
        end++;
      }
      if (line.has(start, '#') && line.has(end, '#') && !line.in(end + 1, Kind.WORD)) {
        end++;
      }
    } else {
      return start;
    }
    line.protect(start, end, Kind.SPAN);
    return end;
  }

  private static int face(Line line, int start) {
    int signs = 0;
    int end = start + 1;
    while (end < line.length() && FACE_SIGNS.indexOf(line.at(end)) >= 0) {
      signs += line.in(end, Kind.WORD) ? 0 : 1;
      end++;
    }
    int size = end - start - 1;
    if (!line.has(end, ')') || signs == 0 || size < 3 || size > 12) {
      return start;
    }
    line.protect(start, end + 1, Kind.MARKUP);
    return end + 1;
  }

  private static int placeholder(Line line, int start) {
    for (String placeholder : PLACEHOLDERS) {
      if (line.hasWord(start, placeholder)) {
        line.protect(start, start + placeholder.length(), Kind.SPAN);
        return start + placeholder.length();
      }
    }
    return start;
  }

  /// `:D`, `;-P`, `:)`, `<3` after a Han character.
  private static int mouth(Line line, int start) {
    if (!line.is(start - 1, Kind.HAN)) {
      return start;
    }
    int mouth = line.has(start + 1, '-') && !line.has(start, '<') ? start + 2 : start + 1;
    boolean three = line.has(mouth, '3') && !line.has(start, ';') && mouth == start + 1;
    boolean face =
        three
            ? line.is(mouth + 1, Kind.HAN) && UNCOUNTED.indexOf(line.at(mouth + 1)) >= 0
            : !line.has(start, '<') && (isSmile(line, mouth) || isLetter(line, start, mouth));
    if (!face) {
      return start;
    }
    line.protect(start, mouth + 1, Kind.MARKUP);
    return mouth + 1;
  }

  private static boolean isLetter(Line line, int start, int mouth) {
    return line.is(mouth, Kind.LATIN)
        && "DPpOo".indexOf(line.at(mouth)) >= 0
        && ANSWERED.indexOf(line.at(start - 1)) < 0
        && !line.in(mouth + 1, Kind.WORD | Kind.set(Kind.SYMBOL));
  }

  /// Whether a `)` at `i` closes no bracket.
  private static boolean isSmile(Line line, int i) {
    int open = 0;
    for (int k = i - 1; k >= Math.max(0, i - LONGEST) && open <= 0; k--) {
      open += line.has(k, '(') || line.has(k, '（') ? 1 : 0;
      open -= line.has(k, ')') || line.has(k, '）') ? 1 : 0;
    }
    return line.has(i, ')') && open <= 0;
  }
}
