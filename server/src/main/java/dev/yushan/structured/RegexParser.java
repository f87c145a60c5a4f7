package dev.yushan.structured;

import java.util.ArrayList;
import java.util.List;

/// Reads a regular expression. What means something that an automaton cannot do, or not the same
/// everywhere, is refused by name.
final class RegexParser {
  private static final int MAX_LENGTH = 50_000;
  private static final int MAX_REPEATS = 10_000;
  private static final int MAX_NESTING = 200;

  private final String pattern;
  private int at;
  private int nesting;

  private RegexParser(String pattern) {
    this.pattern = pattern;
  }

  /// A whole expression, as the alternatives outside all groups.
  record Regex(List<Branch> branches) {
    /// What a text that matches as a whole looks like.
    Expr whole() {
      return new Expr.Choice(branches.stream().map(Branch::expr).toList());
    }
  }

  /// An alternative, with `^` before it and `$` after it or not.
  record Branch(boolean fromStart, Expr expr, boolean toEnd) {}

  /// Throws [IllegalArgumentException] that names what is not supported and where it stands.
  static Regex parse(String pattern) {
    RegexParser parser = new RegexParser(pattern);
    if (pattern.length() > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "the regular expression has %,d characters: at most %,d are read"
              .formatted(pattern.length(), MAX_LENGTH));
    }
    List<Branch> branches = new ArrayList<>();
    do {
      boolean fromStart = parser.take('^');
      Expr expr = parser.concatenation();
      branches.add(new Branch(fromStart, expr, parser.take('$')));
    } while (parser.take('|'));
    if (parser.more()) {
      throw parser.refused(
          switch (parser.peek()) {
            case ')' -> "a ) without its (: write \\) for the character";
            default ->
                "an anchor within the expression: ^ may only begin and $ only end it; write \\^ or"
                    + " \\$ for the character";
          });
    }
    return new Regex(branches);
  }

  private Expr concatenation() {
    List<Expr> parts = new ArrayList<>();
    while (more() && peek() != '|' && peek() != ')' && peek() != '$') {
      parts.add(quantified(atom()));
    }
    return parts.size() == 1 ? parts.getFirst() : new Expr.Sequence(List.copyOf(parts));
  }

  private Expr atom() {
    int c = next();
    return switch (c) {
      case '(' -> group();
      case '[' -> new Expr.Chars(new CharClassParser().parse());
      case '.' -> new Expr.Chars(CodePoints.NO_LINE_FEED);
      case '\\' -> new Expr.Chars(escape());
      case '*', '+', '?' -> throw refusedAt(at - 1, "nothing to repeat before " + (char) c);
      case '^' ->
          throw refusedAt(
              at - 1, "an anchor within the expression: ^ may only begin it; write \\^ for it");
      default -> new Expr.Chars(single(c));
    };
  }

  private Expr group() {
    int from = at - 1;
    if (++nesting > MAX_NESTING) {
      throw refusedAt(from, "more than " + MAX_NESTING + " groups within each other");
    }
    if (take('?')) {
      groupKind(from);
    }
    List<Expr> options = new ArrayList<>();
    do {
      options.add(concatenation());
    } while (take('|'));
    if (!take(')')) {
      throw more()
          ? refused("an anchor within a group: $ may only end the expression; write \\$ for it")
          : refusedAt(from, "a ( without its ): write \\( for the character");
    }
    nesting--;
    return options.size() == 1 ? options.getFirst() : new Expr.Choice(List.copyOf(options));
  }

  private void groupKind(int from) {
    String kind = pattern.substring(at, Math.min(at + 2, pattern.length()));
    if (kind.startsWith("=") || kind.startsWith("!")) {
      throw refusedAt(from, "lookahead");
    } else if (kind.startsWith("<=") || kind.startsWith("<!")) {
      throw refusedAt(from, "lookbehind");
    } else if (kind.startsWith(">")) {
      throw refusedAt(from, "an atomic group");
    } else if (kind.startsWith("P=")) {
      throw refusedAt(from, "a back-reference");
    } else if (kind.startsWith("(")) {
      throw refusedAt(from, "a conditional group");
    } else if (kind.startsWith("#")) {
      throw refusedAt(from, "a comment");
    } else if (take(':')) {
      return;
    }
    boolean named = kind.startsWith("<") || kind.startsWith("P<");
    int end = pattern.indexOf('>', at);
    if (!named || end < 0) {
      throw refusedAt(from, "an inline flag: write both cases out, as in [aA]");
    }
    at = end + 1;
  }

  private Expr quantified(Expr part) {
    Expr expr = part;
    boolean repeated = false;
    while (more()) {
      int from = at;
      int min = 0;
      int max = Expr.Repeat.UNBOUNDED;
      if (take('+')) {
        min = 1;
      } else if (take('?')) {
        max = 1;
      } else if (!take('*')) {
        int[] counts = counts();
        if (counts.length == 0) {
          return expr;
        }
        min = counts[0];
        max = counts[1];
      }
      if (repeated) {
        throw refusedAt(
            from, "a quantifier after a quantifier (possessive or doubled): use a group (?:…)");
      }
      take('?'); // lazy: the same for a text that must match as a whole
      repeated = true;
      expr = new Expr.Repeat(part, min, max);
    }
    return expr;
  }

  /// `{m}`, `{m,}`, `{,n}` or `{m,n}`; nothing where a `{` is a character.
  private int[] counts() {
    int end = peek() == '{' ? pattern.indexOf('}', at) : -1;
    if (end < 0) {
      return new int[0];
    }
    String inside = pattern.substring(at + 1, end);
    if (!inside.matches("[0-9]+|[0-9]*,[0-9]*") || inside.equals(",")) {
      return new int[0];
    }
    int comma = inside.indexOf(',');
    int min = comma < 0 ? count(inside, 0) : count(inside.substring(0, comma), 0);
    int max = comma < 0 ? min : count(inside.substring(comma + 1), Expr.Repeat.UNBOUNDED);
    if (min > max) {
      throw refused("{" + inside + "}: the lower bound is above the upper one");
    }
    at = end + 1;
    return new int[] {min, max};
  }

  private int count(String digits, int absent) {
    if (digits.isEmpty()) {
      return absent;
    }
    if (digits.length() > 9 || Integer.parseInt(digits) > MAX_REPEATS) {
      throw refused("more than %,d repetitions".formatted(MAX_REPEATS));
    }
    return Integer.parseInt(digits);
  }

  /// The characters that an escape stands for; the backslash is read.
  private CodePoints escape() {
    int from = at - 1;
    if (!more()) {
      throw refusedAt(from, "a \\ at the end: write \\\\ for the character");
    }
    int c = next();
    return switch (c) {
      case 'd' -> CodePoints.DIGITS;
      case 'D' -> CodePoints.DIGITS.complement();
      case 'w' -> CodePoints.WORD;
      case 'W' -> CodePoints.WORD.complement();
      case 's' -> CodePoints.SPACE;
      case 'S' -> CodePoints.SPACE.complement();
      case 'n' -> CodePoints.of('\n');
      case 't' -> CodePoints.of('\t');
      case 'r' -> CodePoints.of('\r');
      case 'f' -> CodePoints.of('\f');
      case 'v' -> CodePoints.of(0x0B);
      case 'x' -> single(hex(2));
      case 'u' -> single(unicode());
      case 'p' -> UnicodeProperty.named(propertyName(from));
      case 'P' -> UnicodeProperty.named(propertyName(from)).complement();
      case 'b', 'B' -> throw refusedAt(from, "a word boundary \\" + (char) c);
      case 'A', 'Z', 'z', 'G' ->
          throw refusedAt(from, "\\%c: the whole text must match anyway".formatted(c));
      case 'k', '1', '2', '3', '4', '5', '6', '7', '8', '9' ->
          throw refusedAt(from, "a back-reference \\" + (char) c);
      default -> {
        if (c < 0x80 && Character.isLetterOrDigit(c)) {
          throw refusedAt(from, "the escape \\" + (char) c);
        }
        yield single(c);
      }
    };
  }

  private String propertyName(int from) {
    int end = pattern.indexOf('}', at);
    if (!take('{') || end < 0) {
      throw refusedAt(from, "a property without its braces: write \\p{Lu} or \\p{Han}");
    }
    String name = pattern.substring(at, end);
    at = end + 1;
    return name;
  }

  private int unicode() {
    int unit = hex(4);
    if (Character.isHighSurrogate((char) unit) && pattern.startsWith("\\u", at)) {
      at += 2;
      return Character.toCodePoint((char) unit, (char) hex(4));
    }
    return unit;
  }

  private int hex(int digits) {
    int end = at + digits;
    if (end > pattern.length() || !pattern.substring(at, end).matches("[0-9A-Fa-f]+")) {
      throw refused("an escape that needs %d hexadecimal digits here".formatted(digits));
    }
    int value = Integer.parseInt(pattern.substring(at, end), 16);
    at = end;
    return value;
  }

  private CodePoints single(int codePoint) {
    CodePoints set = CodePoints.of(codePoint);
    if (set.isEmpty()) {
      throw refused("half a surrogate pair, which is no character: write both halves");
    }
    return set;
  }

  /// The inside of brackets.
  private final class CharClassParser {
    private final int from = at - 1;

    CodePoints parse() {
      boolean negated = take('^');
      CodePoints set = CodePoints.NONE;
      if (more() && peek() == ']') {
        throw refused("a ] right after [, which some read as its end: write \\]");
      }
      while (!take(']')) {
        set = set.or(item());
      }
      return negated ? set.complement() : set;
    }

    private CodePoints item() {
      CodePoints low = member();
      boolean range = at + 1 < pattern.length() && peek() == '-' && pattern.charAt(at + 1) != ']';
      if (!range) {
        return low;
      }
      int dash = at;
      at++;
      CodePoints high = member();
      if (!isSingle(low) || !isSingle(high)) {
        throw refusedAt(
            dash, "a range from or to a class such as \\d: write \\- for the character");
      }
      int first = low.ranges().getFirst().low();
      int last = high.ranges().getFirst().low();
      if (first > last) {
        throw refusedAt(dash, "a range whose end comes before its beginning");
      }
      return CodePoints.range(first, last);
    }

    private CodePoints member() {
      if (!more()) {
        throw refusedAt(from, "a [ without its ]: write \\[ for the character");
      }
      int start = at;
      int c = next();
      if (c == '\\') {
        return escapeInClass(start);
      }
      if (c == '[' && more() && ":.=".indexOf(peek()) >= 0) {
        throw refusedAt(start, "a POSIX class: write a-z, 0-9 or \\p{L} instead");
      }
      if ((c == '&' || c == '~') && more() && peek() == c) {
        throw refusedAt(
            start, "a set operation %c%c: write \\%c for the character".formatted(c, c, c));
      }
      if (c == '[') {
        throw refusedAt(start, "a [ within brackets, which some read as a nested class: write \\[");
      }
      return single(c);
    }

    private CodePoints escapeInClass(int start) {
      if (more() && peek() == 'b') {
        throw refusedAt(start, "a backspace \\b: write \\x08");
      }
      return escape();
    }

    private static boolean isSingle(CodePoints set) {
      return set.ranges().size() == 1
          && set.ranges().getFirst().low() == set.ranges().getFirst().high();
    }
  }

  private boolean more() {
    return at < pattern.length();
  }

  private int peek() {
    return pattern.codePointAt(at);
  }

  private int next() {
    int c = peek();
    at += Character.charCount(c);
    return c;
  }

  private boolean take(char c) {
    if (more() && pattern.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private IllegalArgumentException refused(String what) {
    return refusedAt(at, what);
  }

  private IllegalArgumentException refusedAt(int index, String what) {
    return new IllegalArgumentException(
        "the regular expression is not supported at character %d: %s. Its text: %s"
            .formatted(index + 1, what, pattern));
  }
}
