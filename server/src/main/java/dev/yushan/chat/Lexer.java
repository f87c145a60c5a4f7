package dev.yushan.chat;

import dev.yushan.chat.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts a template into tokens, with Jinja's rules for white space as transformers sets them:
/// `trim_blocks` (a line break after a tag or comment goes), `lstrip_blocks` (blanks before a tag
/// or comment that begins its line go), no line break at the very end, and `-` and `+` beside the
/// marks.
final class Lexer {
  private static final Pattern MARK = Pattern.compile("\\{[{%#]");
  private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-?)%}");
  private static final Pattern END_RAW = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%}");
  private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
  private static final Pattern NUMBER =
      Pattern.compile("(\\d+(?:_\\d+)*)((?:\\.\\d+(?:_\\d+)*)?(?:[eE][+-]?\\d+(?:_\\d+)*)?)");
  private static final List<String> OPERATORS =
      List.of(
          "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",", ";");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;

  /// Whether what was read last ended a line: blanks before a tag then begin one.
  private boolean lineStarts = true;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String source) {
    var text = source.replace("\r\n", "\n").replace('\r', '\n');
    var lexer = new Lexer(text.endsWith("\n") ? text.substring(0, text.length() - 1) : text);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    Matcher marks = MARK.matcher(source);
    while (marks.find(at)) {
      int begin = marks.start();
      char kind = source.charAt(begin + 1);
      text(begin, begin + 2 < source.length() ? source.charAt(begin + 2) : ' ', kind != '{');
      Matcher raw = RAW.matcher(source).region(begin, source.length());
      if (kind == '#') {
        comment(begin);
      } else if (kind == '%' && raw.lookingAt()) {
        raw(raw);
      } else {
        tag(kind == '{');
      }
    }
    emit(Kind.TEXT, source.substring(at));
    emit(Kind.END, "");
  }

  private void emit(Kind kind, String text) {
    if (kind != Kind.TEXT || !text.isEmpty()) {
      tokens.add(new Token(kind, text, line));
    }
  }

  /// The text before a mark.
  private void text(int end, char sign, boolean stripsLine) {
    int keep = end;
    if (sign == '-') {
      while (keep > at && Text.isSpace(source.charAt(keep - 1))) {
        keep--;
      }
    } else if (sign != '+' && stripsLine) {
      int lineStart = Math.max(source.lastIndexOf('\n', end - 1) + 1, at);
      if ((lineStart > at || lineStarts)
          && source.substring(lineStart, end).chars().allMatch(Text::isSpace)) {
        keep = lineStart;
      }
    }
    emit(Kind.TEXT, source.substring(at, keep));
    move(end);
  }

  private void move(int to) {
    for (int i = at; i < to; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    if (to > at) {
      lineStarts = source.charAt(to - 1) == '\n';
    }
    at = to;
  }

  /// After the end of a tag or comment: what goes with it.
  private void after(int end, char sign, boolean trims) {
    int to = end;
    if (sign == '-') {
      while (to < source.length() && Text.isSpace(source.charAt(to))) {
        to++;
      }
    } else if (trims && sign != '+' && to < source.length() && source.charAt(to) == '\n') {
      to++;
    }
    move(to);
  }

  private void comment(int begin) {
    int end = source.indexOf("#}", begin + 2);
    if (end < 0) {
      throw new Fault(line, "the comment {# that begins here has no #}");
    }
    after(end + 2, end > begin + 2 ? source.charAt(end - 1) : ' ', true);
  }

  private void raw(Matcher begin) {
    after(begin.end(), begin.group(1).isEmpty() ? ' ' : '-', false);
    Matcher end = END_RAW.matcher(source);
    if (!end.find(at)) {
      throw new Fault(line, "{% raw %} has no {% endraw %}");
    }
    text(end.start(), (end.group(1) + " ").charAt(0), true);
    after(end.end(), (end.group(2) + " ").charAt(0), true);
  }

  private void tag(boolean output) {
    emit(output ? Kind.OUTPUT_BEGIN : Kind.BLOCK_BEGIN, output ? "{{" : "{%");
    int from = at + 2;
    if (from < source.length() && (source.charAt(from) == '-' || source.charAt(from) == '+')) {
      from++;
    }
    move(from);
    String end = output ? "}}" : "%}";
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      while (at < source.length() && Text.isSpace(source.charAt(at))) {
        move(at + 1);
      }
      if (at >= source.length()) {
        throw new Fault(line, "a tag has no " + end);
      }
      char c = source.charAt(at);
      boolean signed = (c == '-' || (c == '+' && !output)) && source.startsWith(end, at + 1);
      if (open.isEmpty() && (signed || source.startsWith(end, at))) {
        emit(output ? Kind.OUTPUT_END : Kind.BLOCK_END, end);
        after(at + (signed ? 3 : 2), signed ? c : ' ', !output);
        return;
      }
      token(c, open);
    }
  }

  private void token(char c, Deque<Character> open) {
    if (c == '\'' || c == '"') {
      string(c);
      return;
    }
    Matcher name = NAME.matcher(source).region(at, source.length());
    Matcher number = NUMBER.matcher(source).region(at, source.length());
    if (name.lookingAt()) {
      emit(Kind.NAME, name.group());
      move(name.end());
    } else if (number.lookingAt()) {
      boolean whole = number.group(2).isEmpty();
      emit(whole ? Kind.INTEGER : Kind.FLOAT, number.group().replace("_", ""));
      move(number.end());
    } else {
      operator(open);
    }
  }

  private void operator(Deque<Character> open) {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        switch (operator) {
          case "(" -> open.push(')');
          case "[" -> open.push(']');
          case "{" -> open.push('}');
          case ")", "]", "}" -> {
            if (open.isEmpty() || open.pop() != operator.charAt(0)) {
              throw new Fault(line, "'" + operator + "' closes nothing");
            }
          }
          default -> {}
        }
        emit(Kind.OPERATOR, operator);
        move(at + operator.length());
        return;
      }
    }
    throw new Fault(line, "'" + source.charAt(at) + "' is no part of an expression");
  }

  private void string(char quote) {
    int end = at + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw new Fault(line, "a string has no closing " + quote);
    }
    emit(Kind.STRING, Text.unescape(source.substring(at + 1, end)));
    move(end + 1);
  }
}
