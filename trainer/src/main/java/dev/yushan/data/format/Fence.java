package dev.yushan.data.format;

import java.util.Optional;

/// What opened lines that are no text: a run of at least three backticks or tildes, or `$$` alone.
record Fence(char sign, int count) {

  /// The fence that `line` opens.
  static Optional<Fence> openedBy(Line line) {
    int start = line.indent();
    for (char sign : new char[] {'`', '~', '$'}) {
      int count = count(line, start, sign);
      if (sign == '$' ? count == 2 && isRest(line, start + 2) : count >= 3) {
        Fence fence = new Fence(sign, count);
        return sign == '`' && closesOnLine(line, start + count)
            ? Optional.empty()
            : Optional.of(fence);
      }
    }
    return Optional.empty();
  }

  boolean isClosedBy(Line line) {
    int start = line.indent();
    int closing = count(line, start, sign);
    return closing >= count && isRest(line, start + closing);
  }

  private static int count(Line line, int start, char sign) {
    int i = start;
    while (line.has(i, sign)) {
      i++;
    }
    return i - start;
  }

  private static boolean closesOnLine(Line line, int from) {
    for (int i = from; i < line.length(); i++) {
      if (line.has(i, '`')) {
        return true;
      }
    }
    return false;
  }

  /// Whether only spaces are left.
  private static boolean isRest(Line line, int from) {
    int i = from;
    while (line.in(i, Kind.set(Kind.SPACE, Kind.TAB))) {
      i++;
    }
    return i >= line.length();
  }
}
