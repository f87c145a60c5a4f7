package dev.yushan.chat;

/// A piece of a template's source.
///
/// @param text of a text or string what it stands for, of everything else what is written
record Token(Kind kind, String text, int line) {
  enum Kind {
    TEXT,
    OUTPUT_BEGIN,
    OUTPUT_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(String operator) {
    return kind == Kind.OPERATOR && text.equals(operator);
  }

  boolean named(String name) {
    return kind == Kind.NAME && text.equals(name);
  }

  /// For messages.
  String shown() {
    return switch (kind) {
      case END -> "the end of the template";
      case OUTPUT_END -> "}}";
      case BLOCK_END -> "%}";
      case STRING -> "the string '" + text + "'";
      default -> "'" + text + "'";
    };
  }
}
