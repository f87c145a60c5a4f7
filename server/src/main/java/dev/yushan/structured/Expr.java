package dev.yushan.structured;

import java.util.List;

/// What a text looks like: a regular expression over characters that may call rules by name, so
/// that rules may be recursive. Regular expressions and JSON schemas both become one.
sealed interface Expr {
  Expr EMPTY = new Sequence(List.of());

  /// One character of a set.
  record Chars(CodePoints set) implements Expr {}

  /// Exactly this text.
  record Text(String text) implements Expr {}

  /// One after the other.
  record Sequence(List<Expr> parts) implements Expr {}

  /// Any one of them.
  record Choice(List<Expr> options) implements Expr {}

  /// From `min` to `max` times, [#UNBOUNDED] for no limit.
  record Repeat(Expr part, int min, int max) implements Expr {
    static final int UNBOUNDED = Integer.MAX_VALUE;
  }

  /// Members in their order, those that are not required possibly left out, and `separator` between
  /// each two that are there.
  record Members(List<Member> members, Expr separator) implements Expr {}

  /// A part of [Members].
  record Member(Expr part, boolean required) {}

  /// The rule of this name.
  record Rule(String name) implements Expr {}

  static Expr text(String text) {
    return new Text(text);
  }

  static Expr sequence(Expr... parts) {
    return new Sequence(List.of(parts));
  }

  static Expr choice(Expr... options) {
    return new Choice(List.of(options));
  }

  static Expr optional(Expr part) {
    return new Repeat(part, 0, 1);
  }

  static Expr anyNumber(Expr part) {
    return new Repeat(part, 0, Repeat.UNBOUNDED);
  }
}
