package dev.yushan.chat;

import java.util.List;

/// Whether a template goes over the parts of a message's content (`for part in message.content`).
/// Templates that do not take a text.
final class ContentParts {
  private ContentParts() {}

  static boolean wanted(List<Statement> statements) {
    return statements.stream().anyMatch(ContentParts::wanted);
  }

  private static boolean wanted(Statement statement) {
    return switch (statement) {
      case Statement.For f -> content(f.over()) || wanted(f.body()) || wanted(f.empty());
      case Statement.If i ->
          i.branches().stream().anyMatch(b -> wanted(b.getValue())) || wanted(i.other());
      case Statement.Macro m -> wanted(m.body());
      case Statement.Scoped s -> wanted(s.body());
      case Statement.AssignBlock a -> wanted(a.body());
      case Statement.FilterBlock f -> wanted(f.body());
      case Statement.CallBlock c -> wanted(c.caller().body());
      default -> false;
    };
  }

  private static boolean content(Expression over) {
    return switch (over) {
      case Expression.Attribute a -> a.name().equals("content");
      case Expression.Subscript s ->
          s.key() instanceof Expression.Constant c && c.value().equals("content");
      case Expression.Name n -> n.name().equals("content");
      case Expression.Filter f -> f.input().filter(ContentParts::content).isPresent();
      default -> false;
    };
  }
}
