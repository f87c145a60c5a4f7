package dev.yushan.chat;

import dev.yushan.chat.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads a template's text and tags.
final class Parser extends ExpressionParser {
  private int loops;
  private int depth;

  private Parser(List<Token> tokens) {
    super(tokens);
  }

  static List<Statement> parse(String source) {
    var parser = new Parser(Lexer.tokens(source));
    List<Statement> statements = parser.body(Set.of());
    if (parser.peek().kind() != Kind.END) {
      throw new Fault(parser.peek().line(), "{% " + parser.peek().text() + " %} closes nothing");
    }
    return statements;
  }

  /// Up to a tag named in `ends`, whose name is then the next token.
  private List<Statement> body(Set<String> ends) {
    if (++depth > Budget.MAX_DEPTH / 2) {
      throw new Fault(peek().line(), "tags are nested too deep");
    }
    List<Statement> statements = new ArrayList<>();
    int begin = peek().line();
    while (true) {
      Token token = next();
      switch (token.kind()) {
        case TEXT -> statements.add(new Statement.Text(token.line(), token.text()));
        case OUTPUT_BEGIN -> {
          statements.add(new Statement.Output(token.line(), tuple()));
          end(Kind.OUTPUT_END, "}}");
        }
        case BLOCK_BEGIN -> {
          if (ends.contains(peek().text()) || peek().text().startsWith("end")) {
            if (!ends.contains(peek().text())) {
              throw new Fault(
                  peek().line(),
                  "{% "
                      + peek().text()
                      + " %} closes nothing that is open"
                      + (ends.isEmpty() ? "" : "; one of " + ends + " is expected"));
            }
            depth--;
            return statements;
          }
          statements.add(tag(token.line()));
        }
        default -> {
          if (!ends.isEmpty()) {
            throw new Fault(
                begin, "what begins here is not closed: one of " + ends + " is missing");
          }
          depth--;
          return statements;
        }
      }
    }
  }

  private void end(Kind kind, String shown) {
    if (peek().kind() != kind) {
      throw unexpected("'" + shown + "'");
    }
    next();
  }

  private void endTag() {
    end(Kind.BLOCK_END, "%}");
  }

  /// The body of a tag and the tag that closes it.
  private List<Statement> closed(String end) {
    endTag();
    List<Statement> body = body(Set.of(end));
    next();
    endTag();
    return body;
  }

  private Statement tag(int line) {
    Token name = next();
    return switch (name.text()) {
      case "if" -> branches(line);
      case "for" -> loop(line);
      case "set" -> assignment(line);
      case "macro" -> macro(line);
      case "call" -> call(line);
      case "filter" -> {
        List<Expression.Filter> filters = filters(true);
        yield new Statement.FilterBlock(line, filters, separate("endfilter"));
      }
      case "with" -> with(line);
      case "generation" -> new Statement.Scoped(line, List.of(), separate("endgeneration"));
      case "break", "continue" -> {
        if (loops == 0) {
          throw new Fault(line, "{% " + name.text() + " %} stands outside a loop");
        }
        endTag();
        yield new Statement.Jump(line, name.text().equals("break"));
      }
      default -> throw unsupported("the tag {% " + name.text() + " %}");
    };
  }

  /// A body that no `break` leaves.
  private List<Statement> separate(String end) {
    int outer = loops;
    loops = 0;
    List<Statement> body = closed(end);
    loops = outer;
    return body;
  }

  private Statement branches(int line) {
    List<Map.Entry<Expression, List<Statement>>> branches = new ArrayList<>();
    List<Statement> other = List.of();
    String kind = "elif";
    while (!kind.equals("endif")) {
      Optional<Expression> condition =
          kind.equals("elif") ? Optional.of(tuple()) : Optional.empty();
      endTag();
      List<Statement> body =
          body(kind.equals("else") ? Set.of("endif") : Set.of("elif", "else", "endif"));
      if (condition.isPresent()) {
        branches.add(Map.entry(condition.get(), body));
      } else {
        other = body;
      }
      kind = next().text();
    }
    endTag();
    return new Statement.If(line, branches, other);
  }

  private List<String> targets() {
    boolean bracket = takes("(");
    List<String> names = new ArrayList<>(List.of(name()));
    while (takes(",")) {
      names.add(name());
    }
    if (bracket) {
      expect(")");
    }
    return names;
  }

  private Statement loop(int line) {
    List<String> targets = targets();
    if (!takesName("in")) {
      throw unexpected("'in'");
    }
    Expression over = or();
    if (peek().is(",")) {
      List<Expression> items = new ArrayList<>(List.of(over));
      while (takes(",")) {
        items.add(or());
      }
      over = new Expression.Items(items, true);
    }
    Optional<Expression> only = takesName("if") ? Optional.of(expression()) : Optional.empty();
    if (peek().named("recursive")) {
      throw unsupported("'recursive' in a loop");
    }
    endTag();
    loops++;
    List<Statement> body = body(Set.of("else", "endfor"));
    loops--;
    List<Statement> empty = List.of();
    if (next().text().equals("else")) {
      endTag();
      empty = body(Set.of("endfor"));
      next();
    }
    endTag();
    return new Statement.For(line, targets, over, only, body, empty);
  }

  private Statement assignment(int line) {
    List<String> targets = new ArrayList<>(targets());
    Optional<String> attribute =
        targets.size() == 1 && takes(".") ? Optional.of(name()) : Optional.empty();
    if (takes("=")) {
      Expression value = tuple();
      endTag();
      return new Statement.Assign(line, targets, attribute, value);
    }
    if (targets.size() > 1) {
      throw unexpected("'='");
    }
    List<Expression.Filter> filters = filters(false);
    return new Statement.AssignBlock(
        line, targets.getFirst(), attribute, filters, separate("endset"));
  }

  private List<Expression.Filter> filters(boolean first) {
    List<Expression.Filter> filters = new ArrayList<>();
    if (first) {
      filters.add(filter(Optional.empty()));
    }
    while (takes("|")) {
      filters.add(filter(Optional.empty()));
    }
    return filters;
  }

  private Statement.Macro macro(int line) {
    String name = name();
    expect("(");
    return macro(line, name, "endmacro");
  }

  /// From after the parenthesis that opens the parameters.
  private Statement.Macro macro(int line, String name, String end) {
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    parameters(parameters, defaults);
    macros++;
    List<Statement> body = separate(end);
    macros--;
    return new Statement.Macro(line, name, parameters, defaults, body);
  }

  private void parameters(List<String> parameters, List<Expression> defaults) {
    while (!takes(")")) {
      if (!parameters.isEmpty()) {
        expect(",");
      }
      parameters.add(name());
      if (takes("=")) {
        defaults.add(expression());
      } else if (!defaults.isEmpty()) {
        throw unexpected("a default, as the parameter before has one,");
      }
    }
  }

  private Statement call(int line) {
    List<String> parameters = new ArrayList<>();
    List<Expression> defaults = new ArrayList<>();
    if (takes("(")) {
      parameters(parameters, defaults);
    }
    if (!(expression() instanceof Expression.Call call)) {
      throw unexpected("{% call %} of a macro");
    }
    macros++;
    List<Statement> body = separate("endcall");
    macros--;
    var caller = new Statement.Macro(line, "caller", parameters, defaults, body);
    return new Statement.CallBlock(line, caller, call);
  }

  private Statement with(int line) {
    List<Map.Entry<String, Expression>> variables = new ArrayList<>();
    while (peek().kind() == Kind.NAME) {
      String name = name();
      expect("=");
      variables.add(Map.entry(name, expression()));
      if (!takes(",")) {
        break;
      }
    }
    return new Statement.Scoped(line, variables, closed("endwith"));
  }
}
