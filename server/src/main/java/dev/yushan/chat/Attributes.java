package dev.yushan.chat;

import dev.yushan.chat.Value.Function;
import dev.yushan.chat.Value.Loop;
import dev.yushan.chat.Value.Namespace;
import dev.yushan.chat.Value.None;
import dev.yushan.chat.Value.Tuple;
import dev.yushan.chat.Value.Undefined;
import dev.yushan.chat.Value.View;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// `value.name` and `value[key]`, with the methods of texts, lists and dicts.
record Attributes(Evaluator evaluator) {
  private static final Set<String> CHANGING =
      Set.of(
          "append",
          "extend",
          "insert",
          "pop",
          "remove",
          "clear",
          "update",
          "setdefault",
          "popitem",
          "sort",
          "reverse");
  private static final Set<String> OF_TEXT =
      Set.of(
          "strip",
          "lstrip",
          "rstrip",
          "split",
          "splitlines",
          "startswith",
          "endswith",
          "lower",
          "upper",
          "title",
          "capitalize",
          "replace",
          "find",
          "count",
          "join",
          "removeprefix",
          "removesuffix",
          "isdigit",
          "isspace");

  Object attribute(Object of, String name) {
    Object found = member(of, name);
    if (found instanceof Undefined && of instanceof Map<?, ?> map && map.get(name) != null) {
      return map.get(name);
    }
    return found;
  }

  Object item(Object of, Object key) {
    if (of instanceof Map<?, ?> map && map.get(key) != null) {
      return map.get(key);
    }
    if ((of instanceof List || of instanceof String)
        && (key instanceof Long || key instanceof Boolean)) {
      return at(of, Python.integer(key));
    }
    if (key instanceof Undefined u) {
      throw u.fault();
    }
    return member(of, key instanceof String name ? name : evaluator.python.text(key));
  }

  private Object at(Object of, long index) {
    if (of instanceof String s) {
      long size = s.codePointCount(0, s.length());
      long at = index < 0 ? index + size : index;
      return at < 0 || at >= size
          ? none(of, "[" + index + "]")
          : Character.toString(s.codePointAt(s.offsetByCodePoints(0, (int) at)));
    }
    List<?> list = (List<?>) of;
    long at = index < 0 ? index + list.size() : index;
    return at < 0 || at >= list.size() ? none(of, "[" + index + "]") : list.get((int) at);
  }

  private static Undefined none(Object of, String name) {
    return new Undefined(Python.type(of) + " has nothing named '" + name + "'");
  }

  private Object member(Object of, String name) {
    Object found =
        switch (of) {
          case Undefined u -> throw u.fault();
          case String s when OF_TEXT.contains(name) ->
              (Function) (arguments, named) -> text(s, name, new Given(name, arguments, named));
          case Map<?, ?> m -> dict(m, name);
          case List<?> l when name.equals("index") || name.equals("count") ->
              (Function) (arguments, named) -> list(l, name, new Given(name, arguments, named));
          case Namespace n -> n.attributes().get(name);
          case Loop l -> loop(l, name);
          default -> null;
        };
    if (found != null) {
      return found;
    }
    if (CHANGING.contains(name) && (of instanceof List || of instanceof Map)) {
      return (Function)
          (arguments, named) -> {
            throw new Fault(
                name
                    + "() would change a "
                    + Python.type(of)
                    + ", which is not allowed; use"
                    + " namespace() or [...] + [...]");
          };
    }
    return none(of, name);
  }

  private Object dict(Map<?, ?> map, String name) {
    return switch (name) {
      case "items" -> view("dict_items", pairs(map));
      case "keys" -> view("dict_keys", new ArrayList<>(map.keySet()));
      case "values" -> view("dict_values", new ArrayList<>(map.values()));
      case "copy" -> (Function) (arguments, named) -> map;
      case "get" ->
          (Function)
              (arguments, named) -> {
                var given = new Given(name, arguments, named);
                Object key = given.required(0, "key");
                Object value = map.get(key);
                return value != null ? value : given.optional(1, "default", None.NONE);
              };
      default -> null;
    };
  }

  static List<Object> pairs(Map<?, ?> map) {
    List<Object> pairs = new ArrayList<>();
    map.forEach((key, value) -> pairs.add(new Tuple(List.of(key, value))));
    return pairs;
  }

  private static Function view(String kind, List<Object> items) {
    return (arguments, named) -> new View(kind, items);
  }

  private Object list(List<?> list, String name, Given given) {
    Object wanted = given.required(0, "value");
    long count = 0;
    for (int i = 0; i < list.size(); i++) {
      if (evaluator.python.equal(list.get(i), wanted)) {
        if (name.equals("index")) {
          return (long) i;
        }
        count++;
      }
    }
    if (name.equals("index")) {
      throw new Fault("index() finds nothing of that value");
    }
    return count;
  }

  private Object loop(Loop loop, String name) {
    int size = loop.items().size();
    int at = loop.index();
    return switch (name) {
      case "index" -> at + 1L;
      case "index0" -> (Object) (long) at;
      case "revindex" -> (Object) (long) (size - at);
      case "revindex0" -> (Object) (size - at - 1L);
      case "first" -> at == 0;
      case "last" -> at == size - 1;
      case "length" -> (Object) (long) size;
      // the depth of a recursive loop, and those are refused
      case "depth" -> 1L;
      case "depth0" -> 0L;
      case "previtem" ->
          at == 0 ? new Undefined("there is no previous item") : loop.items().get(at - 1);
      case "nextitem" ->
          at == size - 1 ? new Undefined("there is no next item") : loop.items().get(at + 1);
      case "cycle" ->
          (Function)
              (arguments, named) -> {
                if (arguments.isEmpty()) {
                  throw new Fault("loop.cycle() needs values");
                }
                return arguments.get(at % arguments.size());
              };
      default -> throw new Fault("loop." + name + " is not supported");
    };
  }

  private Object text(String text, String name, Given given) {
    return switch (name) {
      case "strip" -> Text.strip(text, given.text(0, "chars", ""), true, true);
      case "lstrip" -> Text.strip(text, given.text(0, "chars", ""), true, false);
      case "rstrip" -> Text.strip(text, given.text(0, "chars", ""), false, true);
      case "split" -> {
        String separator = given.text(0, "sep", "");
        long limit = given.integer(1, "maxsplit", -1);
        evaluator.budget.charge(text.length());
        yield separator.isEmpty() ? Text.words(text, limit) : Text.parts(text, separator, limit);
      }
      case "splitlines" ->
          text.isEmpty() ? List.of() : new ArrayList<Object>(text.lines().toList());
      case "startswith" -> affix(text, given, true);
      case "endswith" -> affix(text, given, false);
      case "lower" -> Text.lower(text);
      case "upper" -> Text.upper(text);
      case "title" -> Text.title(text);
      case "capitalize" -> Text.capitalize(text);
      case "replace" ->
          replace(text, given.text(0, "old"), given.text(1, "new"), given.integer(2, "count", -1));
      case "find" -> {
        int at = text.indexOf(given.text(0, "sub"));
        yield at < 0 ? -1L : (long) text.codePointCount(0, at);
      }
      case "count" -> {
        String part = given.text(0, "sub");
        yield part.isEmpty()
            ? evaluator.python.length(text) + 1
            : (long) Text.parts(text, part, -1).size() - 1;
      }
      case "join" -> join(text, given.required(0, "iterable"), false);
      case "removeprefix" -> {
        String prefix = given.text(0, "prefix");
        yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        String suffix = given.text(0, "suffix");
        yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      case "isdigit" -> !text.isEmpty() && text.codePoints().allMatch(Character::isDigit);
      default -> !text.isEmpty() && text.codePoints().allMatch(Text::isSpace);
    };
  }

  private static boolean affix(String text, Given given, boolean start) {
    Object wanted = given.required(0, "prefix");
    List<?> any = wanted instanceof Tuple tuple ? tuple : List.of(wanted);
    for (Object affix : any) {
      if (!(affix instanceof String s)) {
        throw new Fault(given.name() + "() takes texts, not " + Python.type(affix));
      }
      if (start ? text.startsWith(s) : text.endsWith(s)) {
        return true;
      }
    }
    return false;
  }

  String replace(String text, String old, String with, long count) {
    if (old.isEmpty()) {
      throw new Fault("replace() of an empty text is not supported");
    }
    List<Object> parts = Text.parts(text, old, count);
    evaluator.budget.room(text.length() + (long) (parts.size() - 1) * with.length());
    return evaluator.budget.made(
        String.join(with, parts.stream().map(part -> (String) part).toList()));
  }

  /// @param any whether what is no text is written as one, as the filter does
  String join(String separator, Object items, boolean any) {
    var out = new StringBuilder();
    boolean first = true;
    for (Object item : evaluator.python.items(items)) {
      if (!any && !(item instanceof String)) {
        throw new Fault("join() takes texts, not " + Python.type(item));
      }
      out.append(first ? "" : separator).append(evaluator.python.text(item));
      evaluator.budget.room(out.length());
      first = false;
    }
    return evaluator.budget.made(out.toString());
  }
}
