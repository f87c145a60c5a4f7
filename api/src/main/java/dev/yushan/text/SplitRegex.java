package dev.yushan.text;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.regex.Pattern;

/// Translates the regular expression of a pre-tokenizer from Oniguruma (Ruby syntax, what Hugging
/// Face tokenizers run) to `java.util.regex`.
///
/// Only constructs that mean the same in both are let through; all others are refused. `\s`, `\d`
/// and the general categories agree on every code point (JDK 25 and the Oniguruma of tokenizers
/// 0.21.4 both have Unicode 16), `\w` does not. A repeated group is refused because Java matches it
/// recursively and would overflow the stack on long text.
final class SplitRegex {
  private static final Set<String> CATEGORIES =
      Set.of(
          "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P",
          "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl",
          "Zp");
  private static final Pattern COUNT = Pattern.compile("\\{\\d+(,\\d*)?}");
  private static final Pattern SAFE_IGNORING_CASE = Pattern.compile("[A-Za-z'|]*");
  // Pairs that Oniguruma matches with one character (ß, ligatures) when it ignores case.
  private static final Pattern MULTI_CHARACTER_FOLD = Pattern.compile("(?i)ss|f[fil]|st");

  private enum Atom {
    NONE,
    CHARACTER,
    GROUP,
    LOOKAROUND
  }

  private final JsonField field;
  private final String regex;
  private final StringBuilder java = new StringBuilder();
  private final Deque<Atom> open = new ArrayDeque<>();
  private Atom previous = Atom.NONE;
  private int pos;

  private SplitRegex(JsonField field, String regex) {
    this.field = field;
    this.regex = regex;
  }

  static Pattern compile(JsonField field, String regex) {
    SplitRegex translation = new SplitRegex(field, regex);
    while (translation.pos < regex.length()) {
      translation.step();
    }
    if (!translation.open.isEmpty()) {
      throw translation.refuse("an unclosed group");
    }
    Pattern pattern = Pattern.compile(translation.java.toString(), Pattern.UNICODE_CHARACTER_CLASS);
    if (pattern.matcher("").find()) {
      throw translation.refuse("a pattern that matches the empty text");
    }
    return pattern;
  }

  private void step() {
    char c = regex.charAt(pos);
    switch (c) {
      case '\\' -> atom(Atom.CHARACTER, escape());
      case '[' -> atom(Atom.CHARACTER, characterClass());
      case '(' -> openGroup();
      case ')' -> closeGroup();
      case '|' -> {
        java.append(take(1));
        previous = Atom.NONE;
      }
      case '*', '+', '?', '{' -> quantifier(c);
      case '.' -> {
        pos++;
        atom(Atom.CHARACTER, "[^\\n]");
      }
      case '^', '$' -> throw refuse("the anchor " + c);
      case ']', '}' -> atom(Atom.CHARACTER, "\\" + take(1));
      default -> atom(Atom.CHARACTER, take(Character.charCount(regex.codePointAt(pos))));
    }
  }

  private void atom(Atom kind, String text) {
    java.append(text);
    previous = kind;
  }

  private String take(int length) {
    String taken = regex.substring(pos, pos + length);
    pos += length;
    return taken;
  }

  private char peek(int offset) {
    return pos + offset < regex.length() ? regex.charAt(pos + offset) : '\0';
  }

  private String escape() {
    char c = peek(1);
    if (c == 'p' || c == 'P') {
      int end = regex.indexOf('}', pos);
      if (peek(2) == '{' && end > 0 && CATEGORIES.contains(regex.substring(pos + 3, end))) {
        return take(end + 1 - pos);
      }
      throw refuse("a property other than a general category (such as \\p{Lu})");
    }
    boolean punctuation = c > ' ' && c < 127 && !Character.isLetterOrDigit(c);
    if (punctuation || "rntfsSdD".indexOf(c) >= 0) {
      return take(2);
    }
    throw refuse("the escape \\" + c);
  }

  private String characterClass() {
    StringBuilder set = new StringBuilder(take(peek(1) == '^' ? 2 : 1));
    boolean afterShorthand = false;
    for (boolean first = true; peek(0) != ']' || first; first = false) {
      char c = peek(0);
      if (pos >= regex.length() || c == ']' || c == '[' || c == '&' && peek(1) == '&') {
        throw refuse("an empty, nested, intersected or unclosed character class");
      }
      if (c == '-' && afterShorthand && peek(1) != ']') {
        throw refuse("a range after a shorthand in a character class");
      }
      afterShorthand = c == '\\' && "sSdDpP".indexOf(peek(1)) >= 0;
      set.append(c == '\\' ? escape() : take(Character.charCount(regex.codePointAt(pos))));
    }
    return set.append(take(1)).toString();
  }

  private void openGroup() {
    if (regex.startsWith("(?i:", pos)) {
      int end = regex.indexOf(')', pos);
      String inside = end < 0 ? "" : regex.substring(pos + 4, end);
      if (end < 0
          || !SAFE_IGNORING_CASE.matcher(inside).matches()
          || MULTI_CHARACTER_FOLD.matcher(inside).find()) {
        throw refuse("(?i:…) around more than letters that fold one to one");
      }
      atom(Atom.GROUP, take(end + 1 - pos));
      return;
    }
    for (String start : new String[] {"(?=", "(?!", "(?<=", "(?<!", "(?:", "(?>"}) {
      if (regex.startsWith(start, pos)) {
        boolean plain = start.equals("(?:") || start.equals("(?>");
        open.push(plain ? Atom.GROUP : Atom.LOOKAROUND);
        atom(Atom.NONE, take(start.length()));
        return;
      }
    }
    if (peek(1) == '?') {
      throw refuse("the group " + regex.substring(pos, Math.min(pos + 4, regex.length())));
    }
    open.push(Atom.GROUP);
    atom(Atom.NONE, take(1));
  }

  private void closeGroup() {
    if (open.isEmpty()) {
      throw refuse("an unopened group");
    }
    Atom kind = open.pop();
    atom(kind, take(1));
  }

  private void quantifier(char c) {
    if (previous == Atom.NONE || previous == Atom.LOOKAROUND) {
      throw refuse("a quantifier after nothing that can be repeated");
    }
    if (previous == Atom.GROUP && c != '?') {
      throw refuse("a repeated group");
    }
    if (c == '{') {
      var count = COUNT.matcher(regex).region(pos, regex.length());
      if (!count.lookingAt()) {
        throw refuse("a brace that is no repetition count");
      }
      java.append(take(count.end() - pos));
      // Ruby reads {1,3}+ as a repeated {1,3}, Java as a possessive one.
      if (peek(0) == '+' || peek(0) == '?') {
        throw refuse("a lazy or possessive count");
      }
    } else {
      java.append(take(peek(1) == '+' || peek(1) == '?' ? 2 : 1));
    }
    previous = Atom.NONE;
  }

  private TokenizerFormatException refuse(String construct) {
    return field.refuse(
        "holds %s at position %d of %s, which is not known to split text as Oniguruma does; use a pattern without it"
            .formatted(construct, pos, regex));
  }
}
