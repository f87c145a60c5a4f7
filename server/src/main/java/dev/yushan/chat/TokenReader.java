package dev.yushan.chat;

import dev.yushan.chat.Token.Kind;
import java.util.List;

/// Goes over the tokens of a template, and says what is wrong with the one it stands at.
class TokenReader {
  private final List<Token> tokens;
  private int at;

  /// @param tokens of which the last is the end
  TokenReader(List<Token> tokens) {
    this.tokens = tokens;
  }

  final Token peek() {
    return tokens.get(at);
  }

  /// The one after that.
  final Token following() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  final Token next() {
    return tokens.get(peek().kind() == Kind.END ? at : at++);
  }

  final boolean takes(String operator) {
    boolean is = peek().is(operator);
    at += is ? 1 : 0;
    return is;
  }

  final boolean takesName(String name) {
    boolean is = peek().named(name);
    at += is ? 1 : 0;
    return is;
  }

  final void expect(String operator) {
    if (!takes(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  final String name() {
    if (peek().kind() != Kind.NAME) {
      throw unexpected("a name");
    }
    return next().text();
  }

  final Fault unexpected(String wanted) {
    return new Fault(peek().line(), wanted + " is expected, not " + peek().shown());
  }

  final Fault unsupported(String what) {
    return new Fault(
        peek().line(),
        what + " is not supported; rewrite the template without it and pass it by --chat-template");
  }
}
