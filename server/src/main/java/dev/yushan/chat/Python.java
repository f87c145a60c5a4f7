package dev.yushan.chat;

import dev.yushan.chat.Value.Markup;
import dev.yushan.chat.Value.Namespace;
import dev.yushan.chat.Value.None;
import dev.yushan.chat.Value.Once;
import dev.yushan.chat.Value.Tuple;
import dev.yushan.chat.Value.Undefined;
import dev.yushan.chat.Value.View;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// What Python does with values: truth, text, equality, order, arithmetic.
final class Python {
  private final Budget budget;

  Python(Budget budget) {
    this.budget = budget;
  }

  static String type(Object value) {
    return switch (value) {
      case String s -> "str";
      case Boolean b -> "bool";
      case Long n -> "int";
      case BigInteger n -> "int";
      case Double d -> "float";
      case None n -> "None";
      case Tuple t -> "tuple";
      case List<?> l -> "list";
      case Map<?, ?> m -> "dict";
      case Undefined u -> "an undefined value";
      case View v -> v.kind();
      case Once o -> "a generator (add |list)";
      case Markup m -> "a text marked by |safe or |escape (it can only be printed)";
      case Namespace n -> "a namespace";
      case Value.Loop l -> "the loop";
      default -> "a function";
    };
  }

  boolean truth(Object value) {
    return switch (value) {
      case Boolean b -> b;
      case String s -> !s.isEmpty();
      case Long n -> n != 0;
      case Double d -> d != 0;
      case None n -> false;
      case Undefined u -> false;
      case List<?> l -> !l.isEmpty();
      case Map<?, ?> m -> !m.isEmpty();
      case View v -> !v.items().isEmpty();
      case Markup m -> !m.text().isEmpty();
      default -> true;
    };
  }

  /// `str(value)`.
  String text(Object value) {
    return switch (value) {
      case String s -> s;
      case Markup m -> m.text();
      case Undefined u -> "";
      default -> {
        var out = new StringBuilder();
        represent(value, out);
        yield budget.made(out.toString());
      }
    };
  }

  private void represent(Object value, StringBuilder out) {
    budget.enter();
    budget.room(out.length());
    switch (value) {
      case String s -> Text.quote(s, out);
      case Boolean b -> out.append(b ? "True" : "False");
      case Long n -> out.append(n);
      case BigInteger n -> out.append(n);
      case Double d -> out.append(Text.number(d));
      case None n -> out.append("None");
      case Undefined u -> out.append("Undefined");
      case List<?> list -> {
        boolean tuple = list instanceof Tuple;
        out.append(tuple ? '(' : '[');
        for (int i = 0; i < list.size(); i++) {
          out.append(i > 0 ? ", " : "");
          represent(list.get(i), out);
        }
        out.append(tuple ? (list.size() == 1 ? ",)" : ")") : "]");
      }
      case Map<?, ?> map -> {
        String separator = "{";
        for (var entry : map.entrySet()) {
          out.append(separator);
          represent(entry.getKey(), out);
          out.append(": ");
          represent(entry.getValue(), out);
          separator = ", ";
        }
        out.append(map.isEmpty() ? "{}" : "}");
      }
      case View view when !view.kind().equals("range") -> {
        out.append(view.kind()).append('(');
        represent(view.items(), out);
        out.append(')');
      }
      default -> throw new Fault("it prints " + type(value) + ", which is no text");
    }
    budget.leave();
  }

  boolean equal(Object a, Object b) {
    budget.charge(1);
    if (a == b) {
      return !(a instanceof Double d && d.isNaN());
    }
    if (numeric(a) && numeric(b)) {
      return a instanceof Double || b instanceof Double
          ? decimal(a) == decimal(b)
          : integer(a) == integer(b);
    }
    return switch (a) {
      case Tuple t -> b instanceof Tuple other && equalLists(t, other);
      case List<?> l -> b instanceof List<?> other && !(b instanceof Tuple) && equalLists(l, other);
      case Map<?, ?> m -> b instanceof Map<?, ?> other && equalMaps(m, other);
      case Undefined u -> b instanceof Undefined;
      case Markup m -> throw mismatch("==", a, b);
      default -> {
        if (b instanceof Markup) {
          throw mismatch("==", a, b);
        }
        yield a.equals(b);
      }
    };
  }

  private boolean equalLists(List<?> a, List<?> b) {
    if (a.size() != b.size()) {
      return false;
    }
    budget.enter();
    try {
      for (int i = 0; i < a.size(); i++) {
        if (!equal(a.get(i), b.get(i))) {
          return false;
        }
      }
      return true;
    } finally {
      budget.leave();
    }
  }

  private boolean equalMaps(Map<?, ?> a, Map<?, ?> b) {
    if (a.size() != b.size()) {
      return false;
    }
    budget.enter();
    try {
      for (var entry : a.entrySet()) {
        Object other = b.get(entry.getKey());
        if (other == null || !equal(entry.getValue(), other)) {
          return false;
        }
      }
      return true;
    } finally {
      budget.leave();
    }
  }

  int compare(String operator, Object a, Object b) {
    budget.charge(1);
    if (numeric(a) && numeric(b)) {
      return a instanceof Double || b instanceof Double
          ? Double.compare(decimal(a), decimal(b))
          : Long.compare(integer(a), integer(b));
    }
    if (a instanceof String s && b instanceof String t) {
      return compareText(s, t);
    }
    if (a instanceof List<?> x && b instanceof List<?> y && type(a).equals(type(b))) {
      for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
        if (!equal(x.get(i), y.get(i))) {
          return compare(operator, x.get(i), y.get(i));
        }
      }
      return Integer.compare(x.size(), y.size());
    }
    throw mismatch(operator, a, b);
  }

  /// By code points; Java's own order is that of UTF-16.
  private static int compareText(String a, String b) {
    int at = 0;
    while (at < Math.min(a.length(), b.length())) {
      int x = a.codePointAt(at);
      int y = b.codePointAt(at);
      if (x != y) {
        return Integer.compare(x, y);
      }
      at += Character.charCount(x);
    }
    return Integer.compare(a.length(), b.length());
  }

  boolean contains(Object container, Object item) {
    return switch (container) {
      case String s when item instanceof String part -> s.contains(part);
      case Map<?, ?> m when item instanceof List || item instanceof Map ->
          throw new Fault("'in' of a dict needs a key, not " + type(item));
      case Map<?, ?> m -> m.containsKey(item);
      case List<?> l -> l.stream().anyMatch(e -> equal(e, item));
      case View v -> v.items().stream().anyMatch(e -> equal(e, item));
      case Once o -> items(o).stream().anyMatch(e -> equal(e, item));
      case Undefined u -> false;
      default -> throw mismatch("in", item, container);
    };
  }

  /// What a loop goes over.
  List<Object> items(Object value) {
    List<Object> items =
        switch (value) {
          case Once o -> collect(o.iterator());
          case List<?> l -> collect(l.iterator());
          case Map<?, ?> m -> collect(m.keySet().iterator());
          case View v -> v.items();
          case Undefined u -> List.of();
          case String s ->
              collect(s.codePoints().mapToObj(c -> (Object) Character.toString(c)).iterator());
          default -> throw new Fault("it goes over " + type(value) + ", which holds nothing");
        };
    budget.charge(items.size());
    return items;
  }

  private static List<Object> collect(Iterator<?> items) {
    List<Object> list = new ArrayList<>();
    items.forEachRemaining(list::add);
    return list;
  }

  long length(Object value) {
    return switch (value) {
      case String s -> s.codePointCount(0, s.length());
      case List<?> l -> l.size();
      case Map<?, ?> m -> m.size();
      case View v -> v.items().size();
      case Undefined u -> 0;
      default -> throw new Fault("the length of " + type(value) + " is asked for; it has none");
    };
  }

  static boolean numeric(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static double decimal(Object value) {
    return value instanceof Double d ? d : integer(value);
  }

  static long integer(Object value) {
    return switch (value) {
      case Boolean b -> b ? 1 : 0;
      case Long n -> n;
      default -> throw new Fault("a whole number is needed, not " + type(value));
    };
  }

  static Fault mismatch(String operator, Object a, Object b) {
    for (Object side : new Object[] {a, b}) {
      if (side instanceof Undefined u) {
        return u.fault();
      }
    }
    return new Fault("'" + operator + "' does not go with " + type(a) + " and " + type(b));
  }

  Object arithmetic(String operator, Object a, Object b) {
    if (operator.equals("+") && a instanceof String s && b instanceof String t) {
      budget.room((long) s.length() + t.length());
      return budget.made(s + t);
    }
    if (operator.equals("+")
        && a instanceof List<?> x
        && b instanceof List<?> y
        && type(a).equals(type(b))) {
      List<Object> sum = new ArrayList<>(x);
      sum.addAll(y);
      budget.charge(sum.size());
      return a instanceof Tuple ? new Tuple(sum) : sum;
    }
    if (operator.equals("*") && (a instanceof String || b instanceof String)) {
      return repeat(a instanceof String ? a : b, a instanceof String ? b : a);
    }
    if (!numeric(a) || !numeric(b)) {
      throw mismatch(operator, a, b);
    }
    try {
      return a instanceof Double || b instanceof Double || operator.equals("/")
          ? decimals(operator, decimal(a), decimal(b))
          : integers(operator, integer(a), integer(b));
    } catch (ArithmeticException e) {
      throw new Fault(
          a + " " + operator + " " + b + " cannot be computed: division by zero, or too large");
    }
  }

  private String repeat(Object text, Object times) {
    long count = Math.max(0, integer(times));
    budget.room(Math.min(count, Integer.MAX_VALUE) * ((String) text).length());
    return ((String) text).isEmpty() ? "" : budget.made(((String) text).repeat((int) count));
  }

  private static Object integers(String operator, long a, long b) {
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      default -> {
        if (b < 0) {
          yield Math.pow(a, b);
        }
        yield power(a, b);
      }
    };
  }

  private static long power(long a, long b) {
    if (b > 64 && a != 0 && Math.abs(a) != 1) {
      throw new ArithmeticException();
    }
    long result = 1;
    for (long i = 0; i < (Math.abs(a) <= 1 ? Math.min(b, 2 - b % 2) : b); i++) {
      result = Math.multiplyExact(result, a);
    }
    return result;
  }

  private static Object decimals(String operator, double a, double b) {
    if (b == 0 && (operator.startsWith("/") || operator.equals("%"))) {
      throw new ArithmeticException();
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      default -> Math.pow(a, b);
    };
  }
}
