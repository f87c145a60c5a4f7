package dev.yushan.chat;

import dev.yushan.chat.Value.None;
import dev.yushan.chat.Value.Undefined;
import java.util.List;
import java.util.Map;

/// The arguments of a function, method or filter, found by place or name.
record Given(String name, List<Object> positional, Map<String, Object> named) {

  /// The argument, or `otherwise` if there is none.
  Object optional(int place, String parameter, Object otherwise) {
    if (place < positional.size()) {
      return positional.get(place);
    }
    Object value = named.get(parameter);
    return value == null ? otherwise : value;
  }

  Object required(int place, String parameter) {
    Object value = optional(place, parameter, None.NONE);
    if (place >= positional.size() && !named.containsKey(parameter)) {
      throw new Fault(name + "() needs the argument '" + parameter + "'");
    }
    return value;
  }

  String text(int place, String parameter) {
    return asText(required(place, parameter));
  }

  /// `None` counts as absent.
  String text(int place, String parameter, String otherwise) {
    Object value = optional(place, parameter, None.NONE);
    return value == None.NONE ? otherwise : asText(value);
  }

  private String asText(Object value) {
    return switch (value) {
      case String s -> s;
      case Undefined u -> throw u.fault();
      default -> throw new Fault(name + "() takes a text, not " + Python.type(value));
    };
  }

  long integer(int place, String parameter, long otherwise) {
    Object value = optional(place, parameter, None.NONE);
    return value == None.NONE ? otherwise : Python.integer(value);
  }

  /// Refuses what the callee does not know, so that nothing is silently ignored.
  Given only(int places, String... parameters) {
    if (positional.size() > places) {
      throw new Fault(name + " takes at most " + places + " arguments here");
    }
    for (String given : named.keySet()) {
      if (!List.of(parameters).contains(given)) {
        throw new Fault(name + " knows no argument '" + given + "' here");
      }
    }
    return this;
  }
}
