package dev.yushan.chat;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A part of a template, with the line it begins on.
sealed interface Statement {
  int line();

  record Text(int line, String text) implements Statement {}

  record Output(int line, Expression expression) implements Statement {}

  record If(int line, List<Map.Entry<Expression, List<Statement>>> branches, List<Statement> other)
      implements Statement {}

  record For(
      int line,
      List<String> targets,
      Expression over,
      Optional<Expression> only,
      List<Statement> body,
      List<Statement> empty)
      implements Statement {}

  /// `set`: plain names, or one `object.attribute` of a namespace.
  record Assign(int line, List<String> targets, Optional<String> attribute, Expression value)
      implements Statement {}

  record AssignBlock(
      int line,
      String target,
      Optional<String> attribute,
      List<Expression.Filter> filters,
      List<Statement> body)
      implements Statement {}

  /// A macro; `defaults` belong to its last parameters.
  record Macro(
      int line,
      String name,
      List<String> parameters,
      List<Expression> defaults,
      List<Statement> body)
      implements Statement {}

  record CallBlock(int line, Macro caller, Expression.Call call) implements Statement {}

  record FilterBlock(int line, List<Expression.Filter> filters, List<Statement> body)
      implements Statement {}

  /// `with` and `generation`: a scope of its own.
  record Scoped(int line, List<Map.Entry<String, Expression>> variables, List<Statement> body)
      implements Statement {}

  /// `break` or `continue`.
  record Jump(int line, boolean breaks) implements Statement {}
}
