package dev.yushan.chat;

import dev.yushan.chat.Value.Markup;
import dev.yushan.chat.Value.None;
import dev.yushan.chat.Value.Once;
import dev.yushan.chat.Value.Undefined;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What stands after `|`.
record Filters(Evaluator evaluator) {
  private static final Set<String> NAMES =
      Set.of(
          "trim",
          "length",
          "count",
          "upper",
          "lower",
          "title",
          "capitalize",
          "join",
          "replace",
          "select",
          "reject",
          "selectattr",
          "rejectattr",
          "map",
          "list",
          "items",
          "default",
          "d",
          "first",
          "last",
          "sort",
          "reverse",
          "sum",
          "min",
          "max",
          "abs",
          "int",
          "float",
          "string",
          "tojson",
          "indent",
          "safe",
          "escape",
          "e",
          "dictsort",
          "unique",
          "attr");

  static boolean knows(String name) {
    return NAMES.contains(name);
  }

  Object apply(String name, Object in, List<Object> positional, Map<String, Object> named) {
    if (in instanceof Markup && !Set.of("string", "safe").contains(name)) {
      throw new Fault("the filter '" + name + "' is applied to " + Python.type(in));
    }
    var given = new Given("the filter '" + name + "'", positional, named);
    return switch (name) {
      case "upper",
          "lower",
          "title",
          "capitalize",
          "trim",
          "replace",
          "indent",
          "string",
          "safe",
          "escape",
          "e" ->
          text(name, in, given);
      case "select", "reject", "selectattr", "rejectattr" -> chosen(name, in, given);
      case "map" -> mapped(in, given);
      case "abs", "int", "float" -> number(name, in, given);
      case "default", "d" -> {
        given.only(2, "default_value", "boolean");
        boolean falsy = evaluator.python.truth(given.optional(1, "boolean", false));
        yield in instanceof Undefined || (falsy && !evaluator.python.truth(in))
            ? given.optional(0, "default_value", "")
            : in;
      }
      case "tojson" -> json(given).text(in);
      case "attr" ->
          evaluator.value(
              new Expression.Attribute(new Expression.Constant(in), given.text(0, "name")),
              Scope.outermost());
      default -> collection(name, in, given);
    };
  }

  private Object text(String name, Object in, Given given) {
    String text = evaluator.python.text(in);
    return switch (name) {
      case "upper" -> Text.upper(text);
      case "lower" -> Text.lower(text);
      case "capitalize" -> Text.capitalize(text);
      case "trim" -> Text.strip(text, given.only(1, "chars").text(0, "chars", ""), true, true);
      case "replace" -> {
        given.only(3, "old", "new", "count");
        yield new Attributes(evaluator)
            .replace(
                text, given.text(0, "old"), given.text(1, "new"), given.integer(2, "count", -1));
      }
      case "indent" -> indent(text, given.only(3, "width", "first", "blank"));
      case "string" -> in instanceof Markup ? in : text;
      case "safe" -> new Markup(text);
      case "title" -> throw new Fault("the filter 'title' is not supported; use .title()");
      default ->
          new Markup(
              text.replace("&", "&amp;")
                  .replace(">", "&gt;")
                  .replace("<", "&lt;")
                  .replace("'", "&#39;")
                  .replace("\"", "&#34;"));
    };
  }

  private String indent(String text, Given given) {
    Object width = given.optional(0, "width", 4L);
    String margin =
        width instanceof String s ? s : " ".repeat(Math.clamp(Python.integer(width), 0, 1000));
    boolean first = evaluator.python.truth(given.optional(1, "first", false));
    boolean blank = evaluator.python.truth(given.optional(2, "blank", false));
    List<Object> lines = Text.parts(text, "\n", -1);
    var out = new StringBuilder();
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      out.append(i > 0 ? "\n" : "");
      out.append((i == 0 ? first : blank || !line.isEmpty()) ? margin : "").append(line);
      evaluator.budget.room(out.length());
    }
    return evaluator.budget.made(out.toString());
  }

  private Object collection(String name, Object in, Given given) {
    Python python = evaluator.python;
    return switch (name) {
      case "length", "count" -> python.length(in);
      case "join" -> {
        given.only(2, "d", "attribute");
        Object attribute = given.optional(1, "attribute", None.NONE);
        Object items = attribute == None.NONE ? in : attributes(in, attribute, None.NONE);
        yield new Attributes(evaluator).join(given.text(0, "d", ""), items, true);
      }
      case "list" -> new ArrayList<>(python.items(in));
      case "items" ->
          switch (in) {
            case Undefined u -> new Once(List.of());
            case Map<?, ?> map -> new Once(Attributes.pairs(map));
            default -> throw new Fault("the filter 'items' takes a dict, not " + Python.type(in));
          };
      case "first" -> {
        List<Object> items = python.items(in);
        yield items.isEmpty() ? new Undefined("there is no first item") : items.getFirst();
      }
      case "last" -> {
        python.length(in);
        List<Object> items = python.items(in);
        yield items.isEmpty() ? new Undefined("there is no last item") : items.getLast();
      }
      case "reverse" -> {
        python.length(in);
        yield in instanceof String s
            ? new StringBuilder(s).reverse().toString()
            : new Once(python.items(in).reversed());
      }
      case "sort" -> sort(in, given.only(3, "reverse", "case_sensitive", "attribute"));
      case "dictsort" -> {
        given.only(0);
        if (!(in instanceof Map<?, ?> map)) {
          throw new Fault("the filter 'dictsort' takes a dict, not " + Python.type(in));
        }
        List<Object> pairs = Attributes.pairs(map);
        pairs.sort(order(pair -> ((List<?>) pair).getFirst(), false));
        yield pairs;
      }
      case "unique" -> unique(in, given.only(0));
      case "sum" -> {
        given.only(0);
        Object sum = 0L;
        for (Object item : python.items(in)) {
          sum = python.arithmetic("+", sum, item);
        }
        yield sum;
      }
      default -> {
        List<Object> items = python.items(in);
        Comparator<Object> order = order(item -> item, false);
        given.only(0);
        yield items.isEmpty()
            ? new Undefined("there is no item")
            : name.equals("min") ? Collections.min(items, order) : Collections.max(items, order);
      }
    };
  }

  private Comparator<Object> order(java.util.function.UnaryOperator<Object> key, boolean cased) {
    return (a, b) -> {
      Object x = key.apply(a);
      Object y = key.apply(b);
      return evaluator.python.compare("<", cased ? x : folded(x), cased ? y : folded(y));
    };
  }

  private static Object folded(Object value) {
    return value instanceof String s ? Text.lower(s) : value;
  }

  private Object sort(Object in, Given given) {
    List<Object> items = new ArrayList<>(evaluator.python.items(in));
    boolean cased = evaluator.python.truth(given.optional(1, "case_sensitive", false));
    Object attribute = given.optional(2, "attribute", None.NONE);
    Comparator<Object> order =
        order(item -> attribute == None.NONE ? item : path(item, attribute), cased);
    boolean reverse = evaluator.python.truth(given.optional(0, "reverse", false));
    items.sort(reverse ? order.reversed() : order);
    return items;
  }

  private Object unique(Object in, Given given) {
    List<Object> seen = new ArrayList<>();
    List<Object> kept = new ArrayList<>();
    for (Object item : evaluator.python.items(in)) {
      Object key = folded(item);
      if (seen.stream().noneMatch(other -> evaluator.python.equal(other, key))) {
        seen.add(key);
        kept.add(item);
      }
    }
    return new Once(kept);
  }

  private Object number(String name, Object in, Given given) {
    if (name.equals("abs")) {
      return in instanceof Double d ? (Object) Math.abs(d) : (Object) Math.abs(Python.integer(in));
    }
    given.only(1, "default");
    boolean whole = name.equals("int");
    Object otherwise = given.optional(0, "default", whole ? (Object) 0L : (Object) 0.0);
    try {
      return switch (in) {
        case Undefined u -> throw u.fault();
        case Double d when whole -> d.longValue();
        case Object n when Python.numeric(n) ->
            whole ? (Object) Python.integer(n) : (Object) Python.decimal(n);
        case String s -> {
          String digits = Text.strip(s, "", true, true);
          if (!digits.matches("[+-]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?")) {
            yield otherwise;
          }
          double value = Double.parseDouble(digits);
          yield whole
              ? (Object) (digits.matches("[+-]?\\d+") ? Long.parseLong(digits) : (long) value)
              : (Object) value;
        }
        default -> otherwise;
      };
    } catch (NumberFormatException e) {
      throw new Fault("the number in the filter '" + name + "' is too large");
    }
  }

  private Json json(Given given) {
    given.only(4, "ensure_ascii", "indent", "separators", "sort_keys");
    Object indent = given.optional(1, "indent", None.NONE);
    boolean flat = indent == None.NONE;
    String margin =
        flat
            ? Json.NO_INDENT
            : indent instanceof String s
                ? s
                : " ".repeat(Math.clamp(Python.integer(indent), 0, 1000));
    String comma = flat ? ", " : ",";
    String colon = ": ";
    if (given.optional(2, "separators", None.NONE) instanceof List<?> marks && marks.size() == 2) {
      comma = evaluator.python.text(marks.get(0));
      colon = evaluator.python.text(marks.get(1));
    }
    boolean ascii = evaluator.python.truth(given.optional(0, "ensure_ascii", false));
    boolean sorted = evaluator.python.truth(given.optional(3, "sort_keys", false));
    return new Json(evaluator.budget, ascii, margin, comma, colon, sorted);
  }

  /// `a.b` or an index.
  private Object path(Object of, Object attribute) {
    Object value = of;
    var attributes = new Attributes(evaluator);
    for (Object part :
        attribute instanceof String s ? Text.parts(s, ".", -1) : List.of(attribute)) {
      boolean digits = part instanceof String s && s.matches("\\d{1,9}");
      value = attributes.item(value, digits ? (Object) Long.valueOf((String) part) : part);
    }
    return value;
  }

  private List<Object> attributes(Object in, Object attribute, Object otherwise) {
    List<Object> out = new ArrayList<>();
    for (Object item : evaluator.python.items(in)) {
      Object value = path(item, attribute);
      out.add(value instanceof Undefined && otherwise != None.NONE ? otherwise : value);
    }
    return out;
  }

  private Object mapped(Object in, Given given) {
    if (given.positional().isEmpty()) {
      given.only(0, "attribute", "default");
      return new Once(
          attributes(in, given.required(0, "attribute"), given.optional(1, "default", None.NONE)));
    }
    String name = given.text(0, "filter");
    if (!knows(name)) {
      throw new Fault("the filter '" + name + "' is not supported");
    }
    List<Object> rest = given.positional().subList(1, given.positional().size());
    List<Object> out = new ArrayList<>();
    for (Object item : evaluator.python.items(in)) {
      out.add(apply(name, item, rest, given.named()));
    }
    return new Once(out);
  }

  private Object chosen(String name, Object in, Given given) {
    boolean byAttribute = name.endsWith("attr");
    boolean keep = name.startsWith("select");
    int skip = byAttribute ? 1 : 0;
    given.only(skip + 2);
    Object attribute = byAttribute ? given.required(0, "attribute") : None.NONE;
    String test = given.positional().size() > skip ? given.text(skip, "test") : "";
    if (!test.isEmpty() && !operator(test) && !Tests.knows(test)) {
      throw new Fault("the test '" + test + "' is not supported");
    }
    List<Object> rest =
        given
            .positional()
            .subList(Math.min(skip + 1, given.positional().size()), given.positional().size());
    List<Object> out = new ArrayList<>();
    for (Object item : evaluator.python.items(in)) {
      Object value = byAttribute ? path(item, attribute) : item;
      boolean holds =
          test.isEmpty()
              ? evaluator.python.truth(value)
              : operator(test)
                  ? evaluator.holds(test, value, rest.getFirst())
                  : new Tests(evaluator.python).test(test, value, rest);
      if (holds == keep) {
        out.add(item);
      }
    }
    return new Once(out);
  }

  private static boolean operator(String test) {
    return Set.of("==", "!=", "<", "<=", ">", ">=").contains(test);
  }
}
