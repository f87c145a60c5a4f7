package dev.yushan.chat;

import dev.yushan.chat.Value.None;
import dev.yushan.chat.Value.Undefined;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What stands after `is`.
record Tests(Python python) {
  private static final Map<String, String> OPERATORS = operators();
  private static final Set<String> PLAIN =
      Set.of(
          "defined",
          "undefined",
          "none",
          "string",
          "number",
          "integer",
          "float",
          "boolean",
          "true",
          "false",
          "mapping",
          "sequence",
          "iterable",
          "callable",
          "odd",
          "even",
          "lower",
          "upper");

  private static Map<String, String> operators() {
    Map<String, String> names = new HashMap<>();
    for (String row :
        List.of(
            "== eq equalto",
            "!= ne",
            "< lt lessthan",
            "<= le",
            "> gt greaterthan",
            ">= ge",
            "in")) {
      for (String name : row.split(" ")) {
        names.put(name, row.split(" ")[0]);
      }
    }
    names.put("divisibleby", "divisibleby");
    return Map.copyOf(names);
  }

  static boolean knows(String name) {
    return PLAIN.contains(name) || OPERATORS.containsKey(name);
  }

  boolean test(String name, Object value, List<Object> arguments) {
    String operator = OPERATORS.get(name);
    if (arguments.size() != (operator == null ? 0 : 1)) {
      throw new Fault("'is " + name + "' takes " + (operator == null ? "no value" : "one value"));
    }
    return operator == null ? plain(name, value) : compares(operator, value, arguments.getFirst());
  }

  private boolean compares(String operator, Object value, Object other) {
    return switch (operator) {
      case "==" -> python.equal(value, other);
      case "!=" -> !python.equal(value, other);
      case "<" -> python.compare(operator, value, other) < 0;
      case "<=" -> python.compare(operator, value, other) <= 0;
      case ">" -> python.compare(operator, value, other) > 0;
      case ">=" -> python.compare(operator, value, other) >= 0;
      case "in" -> python.contains(other, value);
      default -> python.equal(python.arithmetic("%", value, other), 0L);
    };
  }

  private boolean plain(String name, Object value) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == None.NONE;
      case "string" -> value instanceof String || value instanceof Value.Markup;
      case "number" -> Python.numeric(value) || value instanceof BigInteger;
      case "integer" -> value instanceof Long || value instanceof BigInteger;
      case "float" -> value instanceof Double;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "mapping" -> value instanceof Map;
      case "sequence" ->
          value instanceof String
              || value instanceof Value.Markup
              || value instanceof List
              || value instanceof Map;
      case "iterable" ->
          value instanceof String
              || value instanceof Value.Markup
              || value instanceof Iterable
              || value instanceof Map
              || value instanceof Value.View
              || value instanceof Undefined;
      case "callable" -> value instanceof Value.Function;
      case "odd" -> python.equal(python.arithmetic("%", value, 2L), 1L);
      case "even" -> python.equal(python.arithmetic("%", value, 2L), 0L);
      case "lower" -> cased(python.text(value), true);
      default -> cased(python.text(value), false);
    };
  }

  /// Letters there are, and all of one case.
  private static boolean cased(String text, boolean lower) {
    return !Text.lower(text).equals(Text.upper(text))
        && text.equals(lower ? Text.lower(text) : Text.upper(text));
  }
}
