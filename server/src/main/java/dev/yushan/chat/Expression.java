package dev.yushan.chat;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What stands between `{{` and `}}`, as a tree.
sealed interface Expression {
  record Constant(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  record Items(List<Expression> items, boolean tuple) implements Expression {}

  record Dict(List<Map.Entry<Expression, Expression>> entries) implements Expression {}

  record Attribute(Expression of, String name) implements Expression {}

  record Subscript(Expression of, Expression key) implements Expression {}

  record Slice(
      Expression of, Optional<Expression> from, Optional<Expression> to, Optional<Expression> step)
      implements Expression {}

  record Arguments(List<Expression> positional, Map<String, Expression> named) {}

  record Call(Expression callee, Arguments arguments) implements Expression {}

  record Filter(Optional<Expression> input, String name, Arguments arguments)
      implements Expression {}

  record Test(Expression input, String name, Arguments arguments, boolean negated)
      implements Expression {}

  record Negation(Expression of) implements Expression {}

  record Sign(Expression of, boolean minus) implements Expression {}

  record Binary(String operator, Expression left, Expression right) implements Expression {}

  /// `and`, `or`: the value of one of the two, as in Python.
  record Logic(boolean and, Expression left, Expression right) implements Expression {}

  record Concat(List<Expression> parts) implements Expression {}

  /// `a < b <= c`: operators and the operands that follow the first.
  record Comparison(Expression first, List<Map.Entry<String, Expression>> rest)
      implements Expression {}

  record Choice(Expression then, Expression condition, Optional<Expression> otherwise)
      implements Expression {}
}
