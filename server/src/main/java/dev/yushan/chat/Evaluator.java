package dev.yushan.chat;

import dev.yushan.chat.Expression.Arguments;
import dev.yushan.chat.Value.Function;
import dev.yushan.chat.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Computes expressions.
final class Evaluator {
  final Budget budget = new Budget();
  final Python python = new Python(budget);
  private final Filters filters = new Filters(this);
  private final Tests tests = new Tests(python);
  private final Attributes attributes = new Attributes(this);

  Object value(Expression expression, Scope scope) {
    budget.charge(1);
    return switch (expression) {
      case Expression.Constant c -> c.value();
      case Expression.Name n -> scope.get(n.name());
      case Expression.Items i -> {
        List<Object> items = values(i.items(), scope);
        yield i.tuple() ? new Value.Tuple(items) : items;
      }
      case Expression.Dict d -> dict(d, scope);
      case Expression.Attribute a -> attributes.attribute(value(a.of(), scope), a.name());
      case Expression.Subscript s -> attributes.item(value(s.of(), scope), value(s.key(), scope));
      case Expression.Slice s -> slice(s, scope);
      case Expression.Call c -> call(value(c.callee(), scope), c.arguments(), scope);
      case Expression.Filter f -> filter(f, value(f.input().orElseThrow(), scope), scope);
      case Expression.Test t -> {
        var arguments = values(t.arguments().positional(), scope);
        yield tests.test(t.name(), value(t.input(), scope), arguments) != t.negated();
      }
      case Expression.Negation n -> !python.truth(value(n.of(), scope));
      case Expression.Sign s -> sign(value(s.of(), scope), s.minus());
      case Expression.Binary b ->
          python.arithmetic(b.operator(), value(b.left(), scope), value(b.right(), scope));
      case Expression.Logic l -> {
        Object left = value(l.left(), scope);
        yield python.truth(left) == l.and() ? value(l.right(), scope) : left;
      }
      case Expression.Concat c -> concat(c, scope);
      case Expression.Comparison c -> comparison(c, scope);
      case Expression.Choice c -> {
        if (python.truth(value(c.condition(), scope))) {
          yield value(c.then(), scope);
        }
        yield c.otherwise().isPresent()
            ? value(c.otherwise().get(), scope)
            : new Undefined("an inline if without else has no value");
      }
    };
  }

  private List<Object> values(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(value(expression, scope));
    }
    return values;
  }

  private Map<Object, Object> dict(Expression.Dict dict, Scope scope) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (var entry : dict.entries()) {
      Object key = value(entry.getKey(), scope);
      if (!(key instanceof String || key instanceof Long || key == Value.None.NONE)) {
        throw new Fault("the key of a dict is " + Python.type(key) + "; texts and numbers can be");
      }
      map.put(key, value(entry.getValue(), scope));
    }
    return map;
  }

  private static Object sign(Object value, boolean minus) {
    return switch (value) {
      case Double d -> minus ? -d : d;
      case Undefined u -> throw u.fault();
      default -> minus ? Math.negateExact(Python.integer(value)) : Python.integer(value);
    };
  }

  private String concat(Expression.Concat concat, Scope scope) {
    var out = new StringBuilder();
    for (Object part : values(concat.parts(), scope)) {
      if (part instanceof Value.Markup) {
        throw Python.mismatch("~", part, part);
      }
      String text = python.text(part);
      budget.room((long) out.length() + text.length());
      out.append(text);
    }
    return budget.made(out.toString());
  }

  private boolean comparison(Expression.Comparison comparison, Scope scope) {
    Object left = value(comparison.first(), scope);
    for (var next : comparison.rest()) {
      Object right = value(next.getValue(), scope);
      if (!holds(next.getKey(), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  boolean holds(String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> python.equal(left, right);
      case "!=" -> !python.equal(left, right);
      case "in" -> python.contains(right, left);
      case "not in" -> !python.contains(right, left);
      case "<" -> python.compare(operator, left, right) < 0;
      case "<=" -> python.compare(operator, left, right) <= 0;
      case ">" -> python.compare(operator, left, right) > 0;
      default -> python.compare(operator, left, right) >= 0;
    };
  }

  Object filter(Expression.Filter filter, Object input, Scope scope) {
    Map<String, Object> named = new LinkedHashMap<>();
    filter.arguments().named().forEach((name, of) -> named.put(name, value(of, scope)));
    return filters.apply(
        filter.name(), input, values(filter.arguments().positional(), scope), named);
  }

  Object call(Object callee, Arguments arguments, Scope scope) {
    if (!(callee instanceof Function function)) {
      throw callee instanceof Undefined u
          ? u.fault()
          : new Fault(Python.type(callee) + " is called, which is no function");
    }
    List<Object> positional = values(arguments.positional(), scope);
    Map<String, Object> named = new LinkedHashMap<>();
    arguments.named().forEach((name, of) -> named.put(name, value(of, scope)));
    return function.call(positional, named);
  }

  private Object slice(Expression.Slice slice, Scope scope) {
    Object of = value(slice.of(), scope);
    long step = bound(slice.step(), scope, 1);
    if (step == 0) {
      throw new Fault("the step of a slice is zero");
    }
    if (of instanceof Undefined u) {
      throw u.fault();
    }
    boolean string = of instanceof String;
    if (!string && !(of instanceof List)) {
      throw new Fault("a slice [:] is taken of " + Python.type(of));
    }
    List<Object> items = python.items(of);
    int size = items.size();
    long first = step > 0 ? 0 : size - 1;
    long last = step > 0 ? size : -1;
    long from = clamp(bound(slice.from(), scope, Long.MIN_VALUE), first, step, size);
    long to = clamp(bound(slice.to(), scope, Long.MIN_VALUE), last, step, size);
    List<Object> taken = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      taken.add(items.get((int) i));
    }
    if (string) {
      var text = new StringBuilder();
      taken.forEach(text::append);
      return budget.made(text.toString());
    }
    return of instanceof Value.Tuple ? new Value.Tuple(taken) : taken;
  }

  private long bound(Optional<Expression> bound, Scope scope, long otherwise) {
    Object value = bound.isPresent() ? value(bound.get(), scope) : Value.None.NONE;
    if (value instanceof Undefined u) {
      throw u.fault();
    }
    return value == Value.None.NONE
        ? otherwise
        : Math.clamp(Python.integer(value), -Integer.MAX_VALUE, Integer.MAX_VALUE);
  }

  private static long clamp(long at, long otherwise, long step, int size) {
    if (at == Long.MIN_VALUE) {
      return otherwise;
    }
    long index = at < 0 ? at + size : at;
    return step > 0 ? Math.clamp(index, 0, size) : Math.clamp(index, -1, size - 1);
  }
}
