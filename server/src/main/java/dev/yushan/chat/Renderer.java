package dev.yushan.chat;

import dev.yushan.chat.Value.Loop;
import dev.yushan.chat.Value.Namespace;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Carries out a template once.
final class Renderer {
  private final Evaluator evaluator = new Evaluator();

  /// Where it is, for messages.
  int line;

  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  String render(List<Statement> statements, Scope scope) {
    var out = new StringBuilder();
    run(statements, scope, out);
    return out.toString();
  }

  private Flow run(List<Statement> statements, Scope scope, StringBuilder out) {
    for (Statement statement : statements) {
      evaluator.budget.charge(1);
      line = statement.line();
      Flow flow = run(statement, scope, out);
      if (flow != Flow.ON) {
        return flow;
      }
    }
    return Flow.ON;
  }

  private Flow run(Statement statement, Scope scope, StringBuilder out) {
    switch (statement) {
      case Statement.Text t -> write(t.text(), out);
      case Statement.Output o ->
          write(evaluator.python.text(evaluator.value(o.expression(), scope)), out);
      case Statement.If i -> {
        for (var branch : i.branches()) {
          if (evaluator.python.truth(evaluator.value(branch.getKey(), scope))) {
            return run(branch.getValue(), scope, out);
          }
        }
        return run(i.other(), scope, out);
      }
      case Statement.For f -> {
        return loop(f, scope, out);
      }
      case Statement.Assign a -> assign(a, scope);
      case Statement.AssignBlock a -> {
        Object text = block(a.body(), scope);
        set(a.target(), a.attribute(), filtered(text, a.filters(), scope), scope);
      }
      case Statement.Macro m -> scope.set(m.name(), macro(m, scope));
      case Statement.CallBlock c -> {
        Scope inner = scope.inner();
        inner.set("caller", macro(c.caller(), scope));
        Object callee = evaluator.value(c.call().callee(), scope);
        if (!(callee instanceof Macro called)) {
          throw new Fault("{% call %} takes a macro, not " + Python.type(callee));
        }
        write(
            evaluator.python.text(
                evaluator.call(
                    called.with(Optional.of(inner.get("caller"))), c.call().arguments(), scope)),
            out);
      }
      case Statement.FilterBlock f ->
          write(evaluator.python.text(filtered(block(f.body(), scope), f.filters(), scope)), out);
      case Statement.Scoped s -> {
        Scope inner = scope.inner();
        s.variables().forEach(v -> inner.set(v.getKey(), evaluator.value(v.getValue(), scope)));
        return run(s.body(), inner, out);
      }
      case Statement.Jump j -> {
        return j.breaks() ? Flow.BREAK : Flow.CONTINUE;
      }
    }
    return Flow.ON;
  }

  private void write(String text, StringBuilder out) {
    evaluator.budget.room((long) out.length() + text.length());
    out.append(text);
  }

  private String block(List<Statement> body, Scope scope) {
    var text = new StringBuilder();
    run(body, scope.inner(), text);
    return evaluator.budget.made(text.toString());
  }

  private Object filtered(Object text, List<Expression.Filter> filters, Scope scope) {
    Object value = text;
    for (Expression.Filter filter : filters) {
      value = evaluator.filter(filter, value, scope);
    }
    return value;
  }

  private Flow loop(Statement.For loop, Scope scope, StringBuilder out) {
    List<Object> items = new ArrayList<>();
    for (Object item : evaluator.python.items(evaluator.value(loop.over(), scope))) {
      Scope inner = scope.inner();
      unpack(loop.targets(), item, inner);
      if (loop.only().isEmpty()
          || evaluator.python.truth(evaluator.value(loop.only().get(), inner))) {
        items.add(item);
      }
    }
    if (items.isEmpty()) {
      return run(loop.empty(), scope.inner(), out);
    }
    for (int i = 0; i < items.size(); i++) {
      Scope inner = scope.inner();
      inner.set("loop", new Loop(items, i));
      unpack(loop.targets(), items.get(i), inner);
      if (run(loop.body(), inner, out) == Flow.BREAK) {
        break;
      }
    }
    return Flow.ON;
  }

  private void unpack(List<String> targets, Object value, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.getFirst(), value);
      return;
    }
    List<Object> parts = evaluator.python.items(value);
    if (parts.size() != targets.size()) {
      throw new Fault(
          targets.size() + " names are set from " + parts.size() + " values: " + targets);
    }
    for (int i = 0; i < parts.size(); i++) {
      scope.set(targets.get(i), parts.get(i));
    }
  }

  private void assign(Statement.Assign assign, Scope scope) {
    Object value = evaluator.value(assign.value(), scope);
    if (assign.targets().size() > 1) {
      unpack(assign.targets(), value, scope);
    } else {
      set(assign.targets().getFirst(), assign.attribute(), value, scope);
    }
  }

  private static void set(String name, Optional<String> attribute, Object value, Scope scope) {
    if (attribute.isEmpty()) {
      scope.set(name, value);
    } else if (scope.get(name) instanceof Namespace namespace) {
      namespace.attributes().put(attribute.get(), value);
    } else {
      throw new Fault("'" + name + "." + attribute.get() + "' is set, but no namespace()");
    }
  }

  private Macro macro(Statement.Macro macro, Scope scope) {
    return new Macro(this, macro, scope, Optional.empty());
  }

  /// A macro where it was defined.
  private record Macro(
      Renderer renderer, Statement.Macro macro, Scope scope, Optional<Object> caller)
      implements Value.Function {

    Macro with(Optional<Object> other) {
      return new Macro(renderer, macro, scope, other);
    }

    @Override
    public Object call(List<Object> arguments, Map<String, Object> named) {
      return renderer.call(this, arguments, new LinkedHashMap<>(named));
    }
  }

  private String call(Macro macro, List<Object> arguments, Map<String, Object> named) {
    Statement.Macro of = macro.macro();
    List<String> parameters = of.parameters();
    if (arguments.size() > parameters.size()) {
      throw new Fault(
          "the macro '"
              + of.name()
              + "' takes "
              + parameters.size()
              + " arguments, not "
              + arguments.size());
    }
    evaluator.budget.enter();
    int outer = line;
    Scope inner = macro.scope().inner();
    for (int i = 0; i < parameters.size(); i++) {
      String parameter = parameters.get(i);
      int fallback = i - (parameters.size() - of.defaults().size());
      Object value = i < arguments.size() ? arguments.get(i) : named.remove(parameter);
      if (value == null) {
        value =
            fallback >= 0
                ? evaluator.value(of.defaults().get(fallback), inner)
                : new Value.Undefined("the argument '" + parameter + "' was not given");
      }
      inner.set(parameter, value);
    }
    if (!named.isEmpty()) {
      throw new Fault("the macro '" + of.name() + "' knows no argument " + named.keySet());
    }
    macro.caller().ifPresent(caller -> inner.set("caller", caller));
    var text = new StringBuilder();
    run(of.body(), inner, text);
    line = outer;
    evaluator.budget.leave();
    return evaluator.budget.made(text.toString());
  }
}
