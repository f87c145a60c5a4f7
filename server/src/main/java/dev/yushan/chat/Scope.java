package dev.yushan.chat;

import java.util.HashMap;
import java.util.Map;

/// The variables of a template, a loop's turn, a macro or a block. What is set in it is gone after
/// it.
final class Scope {
  private final Scope parent;
  private final Map<String, Object> variables = new HashMap<>();

  private Scope(Scope parent) {
    this.parent = parent;
  }

  static Scope outermost() {
    return new Scope(null);
  }

  Scope inner() {
    return new Scope(this);
  }

  void set(String name, Object value) {
    variables.put(name, value);
  }

  Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.parent) {
      Object value = scope.variables.get(name);
      if (value != null) {
        return value;
      }
    }
    return new Value.Undefined("'" + name + "' is undefined");
  }
}
