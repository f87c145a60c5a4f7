package dev.yushan.chat;

import dev.yushan.chat.Value.Function;
import dev.yushan.chat.Value.Namespace;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The functions that every template has.
final class Functions {
  private static final Map<Character, String> DATE =
      Map.ofEntries(
          Map.entry('d', "dd"),
          Map.entry('m', "MM"),
          Map.entry('Y', "yyyy"),
          Map.entry('y', "yy"),
          Map.entry('b', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('M', "mm"),
          Map.entry('S', "ss"),
          Map.entry('p', "a"),
          Map.entry('j', "DDD"),
          Map.entry('F', "yyyy-MM-dd"),
          Map.entry('T', "HH:mm:ss"));

  private Functions() {}

  /// A template's own refusal of a conversation.
  static final class Raised extends RuntimeException {
    private static final long serialVersionUID = 1;

    Raised(String message) {
      super(message, null, false, false);
    }
  }

  static void into(Scope scope, Clock clock) {
    define(scope, "range", Functions::range);
    define(
        scope,
        "raise_exception",
        given -> {
          throw new Raised(new Python(new Budget()).text(given.required(0, "message")));
        });
    define(
        scope,
        "strftime_now",
        given -> date(given.only(1, "format").text(0, "format"), LocalDateTime.now(clock)));
    define(scope, "namespace", given -> new Namespace(attributes(given)));
    define(scope, "dict", given -> new LinkedHashMap<Object, Object>(attributes(given)));
  }

  private static void define(
      Scope scope, String name, java.util.function.Function<Given, Object> body) {
    scope.set(
        name,
        (Function) (arguments, named) -> body.apply(new Given(name + "()", arguments, named)));
  }

  private static Map<String, Object> attributes(Given given) {
    Map<String, Object> attributes = new LinkedHashMap<>();
    for (Object from : given.positional()) {
      if (!(from instanceof Map<?, ?> map)) {
        throw new Fault(given.name() + " takes a dict, not " + Python.type(from));
      }
      map.forEach((key, value) -> attributes.put(String.valueOf(key), value));
    }
    attributes.putAll(given.named());
    return attributes;
  }

  private static Object range(Given given) {
    given.only(3);
    boolean one = given.positional().size() == 1;
    long from = one ? 0 : Python.integer(given.required(0, "start"));
    long to = Python.integer(given.required(one ? 0 : 1, "stop"));
    long step = given.integer(2, "step", 1);
    if (step == 0) {
      throw new Fault("the step of range() is zero");
    }
    if ((to - from) / step > 100_000) {
      throw new Fault("range() makes more than 100000 numbers");
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      numbers.add(i);
    }
    return new Value.View("range", numbers);
  }

  private static String date(String format, LocalDateTime now) {
    var out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%') {
        out.append(c);
        continue;
      }
      boolean bare = i + 1 < format.length() && format.charAt(i + 1) == '-';
      i += bare ? 2 : 1;
      char letter = i < format.length() ? format.charAt(i) : ' ';
      String pattern = DATE.get(letter);
      if (letter == '%') {
        out.append('%');
      } else if (pattern == null) {
        throw new Fault("strftime_now() does not support '%" + letter + "'");
      } else {
        String text = DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
        out.append(bare ? text.replaceFirst("^0+(?=.)", "") : text);
      }
    }
    return out.toString();
  }
}
