package dev.yushan.chat;

import dev.yushan.chat.Expression.Arguments;
import dev.yushan.chat.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads expressions with Jinja's precedences, loosest first: inline if, or, and, not, comparisons,
/// `+ -`, `~`, `* / // %`, `**`, signs; then `.name`, `[…]`, `(…)`, `|filter`, `is test`.
class ExpressionParser extends TokenReader {
  private static final Map<String, Object> CONSTANTS =
      Map.of(
          "true",
          true,
          "True",
          true,
          "false",
          false,
          "False",
          false,
          "none",
          Value.None.NONE,
          "None",
          Value.None.NONE);
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> NO_OPERAND = Set.of("else", "or", "and", "if", "in", "not");

  private int depth;

  /// Inside a macro `varargs` and `kwargs` mean what is left of the arguments.
  int macros;

  ExpressionParser(List<Token> tokens) {
    super(tokens);
  }

  final Expression expression() {
    if (++depth > Budget.MAX_DEPTH / 2) {
      throw new Fault(peek().line(), "expressions are nested too deep");
    }
    Expression value = or();
    while (takesName("if")) {
      Expression condition = or();
      value =
          new Expression.Choice(
              value, condition, takesName("else") ? Optional.of(expression()) : Optional.empty());
    }
    depth--;
    return value;
  }

  /// One expression, or several with commas: a tuple.
  final Expression tuple() {
    return tuple(expression());
  }

  private Expression tuple(Expression first) {
    if (!peek().is(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (takes(",") && beginsOperand()) {
      items.add(expression());
    }
    return new Expression.Items(items, true);
  }

  private boolean beginsOperand() {
    Token token = peek();
    return switch (token.kind()) {
      case NAME -> !NO_OPERAND.contains(token.text()) || token.text().equals("not");
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> Set.of("(", "[", "{", "-", "+").contains(token.text());
      default -> false;
    };
  }

  /// Without inline if, as `for … in` has it.
  final Expression or() {
    Expression left = and();
    while (takesName("or")) {
      left = new Expression.Logic(false, left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (takesName("and")) {
      left = new Expression.Logic(true, left, not());
    }
    return left;
  }

  private Expression not() {
    int negations = 0;
    while (takesName("not")) {
      negations++;
    }
    Expression value = comparison();
    for (int i = 0; i < negations; i++) {
      value = new Expression.Negation(value);
    }
    return value;
  }

  private Expression comparison() {
    Expression first = sum();
    List<Map.Entry<String, Expression>> rest = new ArrayList<>();
    while (true) {
      Token token = peek();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        next();
        rest.add(Map.entry(token.text(), sum()));
      } else if (takesName("in")) {
        rest.add(Map.entry("in", sum()));
      } else if (token.named("not") && following().named("in")) {
        next();
        next();
        rest.add(Map.entry("not in", sum()));
      } else {
        return rest.isEmpty() ? first : new Expression.Comparison(first, rest);
      }
    }
  }

  private Expression sum() {
    Expression left = concat();
    while (peek().is("+") || peek().is("-")) {
      left = new Expression.Binary(next().text(), left, concat());
    }
    return left;
  }

  private Expression concat() {
    List<Expression> parts = new ArrayList<>(List.of(product()));
    while (takes("~")) {
      parts.add(product());
    }
    return parts.size() == 1 ? parts.getFirst() : new Expression.Concat(parts);
  }

  private Expression product() {
    Expression left = power();
    while (peek().is("*") || peek().is("/") || peek().is("//") || peek().is("%")) {
      left = new Expression.Binary(next().text(), left, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (takes("**")) {
      left = new Expression.Binary("**", left, unary(true));
    }
    return left;
  }

  private Expression unary(boolean filters) {
    Expression value;
    if (peek().is("-") || peek().is("+")) {
      if (++depth > Budget.MAX_DEPTH / 2) {
        throw new Fault(peek().line(), "expressions are nested too deep");
      }
      boolean minus = next().text().equals("-");
      value = new Expression.Sign(unary(false), minus);
      depth--;
    } else {
      value = primary();
    }
    value = postfix(value);
    return filters ? filtersAndTests(value) : value;
  }

  private Expression primary() {
    Token token = next();
    return switch (token.kind()) {
      case NAME -> named(token);
      case STRING -> {
        var text = new StringBuilder(token.text());
        while (peek().kind() == Kind.STRING) {
          text.append(next().text());
        }
        yield new Expression.Constant(text.toString());
      }
      case INTEGER -> new Expression.Constant(integer(token));
      case FLOAT -> new Expression.Constant(Double.parseDouble(token.text()));
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parenthesised();
            case "[" -> new Expression.Items(list("]"), false);
            case "{" -> dict();
            default -> throw misplaced(token);
          };
      default -> throw misplaced(token);
    };
  }

  private Expression named(Token token) {
    if (CONSTANTS.containsKey(token.text())) {
      return new Expression.Constant(CONSTANTS.get(token.text()));
    }
    if (macros > 0 && (token.text().equals("varargs") || token.text().equals("kwargs"))) {
      throw unsupported("'" + token.text() + "' in a macro");
    }
    return new Expression.Name(token.text());
  }

  private static Long integer(Token token) {
    try {
      return Long.valueOf(token.text());
    } catch (NumberFormatException e) {
      throw new Fault(token.line(), "the number " + token.text() + " is too large");
    }
  }

  private static Fault misplaced(Token token) {
    return new Fault(token.line(), "a value is expected, not " + token.shown());
  }

  private Expression parenthesised() {
    if (takes(")")) {
      return new Expression.Items(List.of(), true);
    }
    Expression value = tuple();
    expect(")");
    return value;
  }

  private List<Expression> list(String end) {
    List<Expression> items = new ArrayList<>();
    while (!takes(end)) {
      if (!items.isEmpty()) {
        expect(",");
        if (takes(end)) {
          break;
        }
      }
      items.add(expression());
    }
    return items;
  }

  private Expression dict() {
    List<Map.Entry<Expression, Expression>> entries = new ArrayList<>();
    while (!takes("}")) {
      if (!entries.isEmpty()) {
        expect(",");
        if (takes("}")) {
          break;
        }
      }
      Expression key = expression();
      expect(":");
      entries.add(Map.entry(key, expression()));
    }
    return new Expression.Dict(entries);
  }

  private Expression postfix(Expression value) {
    Expression result = value;
    while (true) {
      if (takes(".")) {
        result =
            peek().kind() == Kind.INTEGER
                ? new Expression.Subscript(result, new Expression.Constant(integer(next())))
                : new Expression.Attribute(result, name());
      } else if (takes("[")) {
        result = subscript(result);
      } else if (takes("(")) {
        result = new Expression.Call(result, arguments());
      } else {
        return result;
      }
    }
  }

  private Expression subscript(Expression of) {
    Optional<Expression> from = peek().is(":") ? Optional.empty() : Optional.of(expression());
    if (!takes(":")) {
      Expression key = tuple(from.orElseThrow(() -> unexpected("an index")));
      expect("]");
      return new Expression.Subscript(of, key);
    }
    Optional<Expression> to = bound();
    Optional<Expression> step = takes(":") ? bound() : Optional.empty();
    expect("]");
    return new Expression.Slice(of, from, to, step);
  }

  private Optional<Expression> bound() {
    return peek().is(":") || peek().is("]") ? Optional.empty() : Optional.of(expression());
  }

  /// After the opening parenthesis.
  final Arguments arguments() {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!takes(")")) {
      if (!positional.isEmpty() || !named.isEmpty()) {
        expect(",");
        if (takes(")")) {
          break;
        }
      }
      if (peek().is("*") || peek().is("**")) {
        throw unsupported("'" + peek().text() + "' before an argument");
      }
      if (peek().kind() == Kind.NAME && following().is("=")) {
        String name = name();
        expect("=");
        named.put(name, expression());
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw unexpected("an argument with a name");
      }
    }
    return new Arguments(positional, named);
  }

  private Expression filtersAndTests(Expression value) {
    Expression result = value;
    while (true) {
      if (takes("|")) {
        result = filter(Optional.of(result));
      } else if (takesName("is")) {
        result = test(result);
      } else if (takes("(")) {
        result = new Expression.Call(result, arguments());
      } else {
        return result;
      }
    }
  }

  /// After the `|`.
  final Expression.Filter filter(Optional<Expression> input) {
    String name = name();
    if (!Filters.knows(name)) {
      throw unsupported("the filter '" + name + "'");
    }
    return new Expression.Filter(
        input, name, takes("(") ? arguments() : new Arguments(List.of(), Map.of()));
  }

  private Expression test(Expression input) {
    boolean negated = takesName("not");
    String name = name();
    if (!Tests.knows(name)) {
      throw unsupported("the test 'is " + name + "'");
    }
    Arguments arguments = new Arguments(List.of(), Map.of());
    if (takes("(")) {
      arguments = arguments();
    } else if (beginsOperand()
        && !peek().is("-")
        && !peek().is("+")
        && !NO_OPERAND.contains(peek().text())) {
      if (peek().named("is")) {
        throw unexpected("one test at a time");
      }
      arguments = new Arguments(List.of(postfix(primary())), Map.of());
    }
    return new Expression.Test(input, name, arguments, negated);
  }
}
