package dev.yushan.structured;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// JSON as it may be written: no white space but one space after `:` and after `,`, so that no text
/// is endless without saying anything; numbers of a limited number of digits, which every reader
/// can hold.
final class JsonText {
  /// Of the whole part and of the fraction of a number: such an integer fits a `long`.
  static final int MAX_DIGITS = 18;

  static final Expr QUOTE = Expr.text("\"");
  static final Expr COLON = Expr.sequence(Expr.text(":"), Expr.optional(Expr.text(" ")));
  static final Expr COMMA = Expr.sequence(Expr.text(","), Expr.optional(Expr.text(" ")));
  static final Expr DIGIT = new Expr.Chars(CodePoints.DIGITS);
  static final Expr FRACTION =
      Expr.optional(Expr.sequence(Expr.text("."), new Expr.Repeat(DIGIT, 1, MAX_DIGITS)));

  private static final CodePoints ESCAPED =
      CodePoints.range(0, 0x1F).or(CodePoints.of('"')).or(CodePoints.of('\\'));
  private static final CodePoints PLAIN = ESCAPED.complement();

  /// One character of a string: as it is, `\n` and the like, `\u4e2d`, or a pair of surrogates so.
  static final Expr CHARACTER = character();

  static final Expr STRING = string(Expr.anyNumber(CHARACTER));
  static final Expr INTEGER = integer();
  static final Expr NUMBER = number();
  static final Expr BOOLEAN = Expr.choice(Expr.text("true"), Expr.text("false"));
  static final Expr NULL = Expr.text("null");
  static final Expr ANY_VALUE = new Expr.Rule("any value");
  static final Expr ANY_STRING = new Expr.Rule("any string");
  static final Expr ANY_OBJECT = object(ANY_VALUE, 0, Expr.Repeat.UNBOUNDED);
  static final Expr ANY_ARRAY = array(ANY_VALUE, 0, Expr.Repeat.UNBOUNDED);

  /// What the expressions here call.
  static final Map<String, Expr> RULES =
      Map.of(
          "any string",
          STRING,
          "any value",
          Expr.choice(ANY_OBJECT, ANY_ARRAY, ANY_STRING, NUMBER, BOOLEAN, NULL));

  private JsonText() {}

  static Expr string(Expr content) {
    return Expr.sequence(QUOTE, content, QUOTE);
  }

  /// An array of `min` to `max` items; `item` is best a rule, as it is written twice.
  static Expr array(Expr item, int min, int max) {
    return Expr.sequence(Expr.text("["), separated(item, min, max), Expr.text("]"));
  }

  /// An object of `min` to `max` members of any name.
  static Expr object(Expr value, int min, int max) {
    return Expr.sequence(
        Expr.text("{"),
        separated(Expr.sequence(ANY_STRING, COLON, value), min, max),
        Expr.text("}"));
  }

  private static Expr separated(Expr item, int min, int max) {
    if (max == 0) {
      return Expr.EMPTY;
    }
    int more = max == Expr.Repeat.UNBOUNDED ? max : max - 1;
    Expr items =
        Expr.sequence(
            item, new Expr.Repeat(Expr.sequence(COMMA, item), Math.max(min - 1, 0), more));
    return min == 0 ? Expr.optional(items) : items;
  }

  /// Exactly this value.
  static Expr value(JsonNode value) {
    if (value.isValueNode()) {
      return Expr.text(value.toString());
    }
    List<Expr.Member> members = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(item -> members.add(new Expr.Member(value(item), true)));
    } else {
      value
          .properties()
          .forEach(
              p -> members.add(new Expr.Member(member(p.getKey(), value(p.getValue())), true)));
    }
    return Expr.sequence(
        Expr.text(value.isArray() ? "[" : "{"),
        new Expr.Members(members, COMMA),
        Expr.text(value.isArray() ? "]" : "}"));
  }

  /// A name with its value.
  static Expr member(String name, Expr value) {
    return Expr.sequence(Expr.text(TextNode.valueOf(name).toString()), COLON, value);
  }

  /// A string whose characters match a regular expression somewhere, as JSON Schema has it: `^` and
  /// `$` tie it to the ends.
  static Expr matching(RegexParser.Regex regex) {
    Expr any = Expr.anyNumber(CHARACTER);
    List<Expr> options = new ArrayList<>();
    for (RegexParser.Branch branch : regex.branches()) {
      options.add(
          Expr.sequence(
              branch.fromStart() ? Expr.EMPTY : any,
              escaped(branch.expr()),
              branch.toEnd() ? Expr.EMPTY : any));
    }
    return string(new Expr.Choice(options));
  }

  /// What `expr` stands for, as it is written inside a string.
  private static Expr escaped(Expr expr) {
    return switch (expr) {
      case Expr.Chars(CodePoints set) -> escaped(set);
      case Expr.Text(String text) -> {
        String quoted = TextNode.valueOf(text).toString();
        yield Expr.text(quoted.substring(1, quoted.length() - 1));
      }
      case Expr.Sequence(List<Expr> parts) ->
          new Expr.Sequence(parts.stream().map(JsonText::escaped).toList());
      case Expr.Choice(List<Expr> options) ->
          new Expr.Choice(options.stream().map(JsonText::escaped).toList());
      case Expr.Repeat(Expr part, int min, int max) -> new Expr.Repeat(escaped(part), min, max);
      case Expr.Members _, Expr.Rule _ ->
          throw new IllegalStateException("a regular expression has neither rules nor members");
    };
  }

  private static Expr escaped(CodePoints set) {
    if (set.and(ESCAPED).isEmpty()) {
      return new Expr.Chars(set);
    }
    List<Expr> options = new ArrayList<>();
    options.add(new Expr.Chars(set.and(PLAIN)));
    for (CodePoints.Range range : set.and(ESCAPED).ranges()) {
      for (int c = range.low(); c <= range.high(); c++) {
        options.add(escaped(Expr.text(Character.toString(c))));
      }
    }
    return new Expr.Choice(options);
  }

  private static Expr character() {
    return Expr.choice(
        new Expr.Chars(PLAIN),
        regex("\\\\[\"\\\\/bfnrt]"),
        regex("\\\\u([0-9A-Ca-cEeFf][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2})"),
        regex("\\\\u[Dd][89ABab][0-9A-Fa-f]{2}\\\\u[Dd][C-Fc-f][0-9A-Fa-f]{2}"));
  }

  private static Expr integer() {
    return regex("-?(0|[1-9][0-9]{0,%d})".formatted(MAX_DIGITS - 1));
  }

  private static Expr number() {
    return Expr.sequence(INTEGER, FRACTION, regex("([eE][+-]?[0-9]{1,2})?"));
  }

  static Expr regex(String pattern) {
    return RegexParser.parse(pattern).whole();
  }
}
