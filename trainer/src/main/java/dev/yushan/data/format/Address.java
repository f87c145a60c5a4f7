package dev.yushan.data.format;

import java.util.Set;

/// Addresses of the web and of files, as spans.
///
/// Where one is followed by Chinese text without a space, the text must not be taken for a part of
/// it. So Han characters belong to an address only in a segment that begins with one
/// (`/wiki/玉山A級`), not after one that began with letters (`/docs的說明`), nor after the ending of a
/// file (`/說明.html的`) or a comma or the like (`/玉山,請看`). A bracket that it did not open ends it.
final class Address {
  /// Directories that a path may begin with directly after a Han character, where another word
  /// after a slash is a choice (`他/she`).
  private static final Set<String> ROOTS =
      Set.of(
          "bin",
          "boot",
          "dev",
          "etc",
          "home",
          "lib",
          "media",
          "mnt",
          "node_modules",
          "opt",
          "proc",
          "root",
          "run",
          "sbin",
          "srv",
          "sys",
          "tmp",
          "usr",
          "Users",
          "var");

  /// How far the end of a name with spaces is looked for.
  private static final int LONGEST_NAME = 40;

  private static final String SEPARATORS = "/?=&#-_%~:\\";
  private static final int STOPS =
      Kind.FULL
          | Kind.set(
              Kind.SPACE,
              Kind.TAB,
              Kind.WIDE_SPACE,
              Kind.ODD_SPACE,
              Kind.QUOTE,
              Kind.MARKUP,
              Kind.EDGE);

  private Address() {}

  /// Looks for an address around the sign at `i`; returns where it ends, or `i` for none.
  static int protect(Line line, int i) {
    int start = start(line, i);
    if (start < 0) {
      return i;
    }
    int end = trimmed(line, i, end(line, i));
    if (end <= i + 1 && !line.has(i, '/')) {
      return i;
    }
    line.protect(start, end, Kind.SPAN);
    return end;
  }

  /// Where an address begins that has its first slash, scheme or dot at `i`; −1 for none.
  private static int start(Line line, int i) {
    return switch (line.at(i)) {
      case ':' -> line.hasWord(i, "://") ? scheme(line, i) : drive(line, i);
      case '.' -> web(line, i);
      case '#' -> fragment(line, i);
      default -> path(line, i);
    };
  }

  private static int scheme(Line line, int i) {
    int start = i;
    while (line.in(start - 1, Kind.WORD)) {
      start--;
    }
    return start < i ? start : -1;
  }

  private static int drive(Line line, int i) {
    boolean drive =
        line.has(i + 1, '\\') && line.is(i - 1, Kind.LATIN) && !line.in(i - 2, Kind.WORD);
    return drive ? i - 1 : -1;
  }

  private static int web(Line line, int i) {
    boolean web = line.hasWord(i - 3, "www.") && !line.in(i - 4, Kind.WORD);
    return web && line.in(i + 1, Kind.WORD) ? i - 3 : -1;
  }

  /// `page.html#說明`
  private static int fragment(Line line, int i) {
    int start = i;
    boolean dot = false;
    while (line.in(start - 1, Kind.WORD) || oneOf(line, start - 1, ".-_")) {
      start--;
      dot |= line.has(start, '.') && start + 1 < i && line.in(start - 1, Kind.WORD);
    }
    return dot && line.is(i + 1, Kind.HAN) ? start : -1;
  }

  private static int path(Line line, int i) {
    int start = i;
    boolean domain = false;
    while (line.in(start - 1, Kind.WORD) || oneOf(line, start - 1, ".-_~")) {
      start--;
      domain |= line.has(start, '.') && line.in(start - 1, Kind.WORD) && start + 1 < i;
    }
    if (start == i) {
      return absolute(line, i) ? i : -1;
    }
    if (line.in(start - 1, Kind.set(Kind.SPAN)) || oneOf(line, start - 1, "/<@&=")) {
      return -1;
    }
    boolean here = oneOf(line, start, ".~");
    boolean named = line.is(start, Kind.LATIN) && slashes(line, i) >= 2;
    return here || domain || named ? start : -1;
  }

  private static boolean absolute(Line line, int i) {
    if (line.is(i - 1, Kind.HAN)) {
      int end = i + 1;
      while (line.in(end, Kind.WORD) || line.has(end, '_')) {
        end++;
      }
      StringBuilder first = new StringBuilder();
      for (int k = i + 1; k < end; k++) {
        first.append(line.at(k));
      }
      return ROOTS.contains(first.toString())
          || (line.has(i + 1, '.') && line.is(i + 2, Kind.LATIN));
    }
    boolean apart =
        line.in(
            i - 1,
            Kind.FULL
                | Kind.set(Kind.EDGE, Kind.SPACE, Kind.TAB, Kind.QUOTE, Kind.OPEN, Kind.POINT));
    return apart && (line.is(i + 1, Kind.LATIN) || oneOf(line, i + 1, "._"));
  }

  private static int slashes(Line line, int i) {
    int count = 0;
    int end = end(line, i);
    for (int k = i; k < end; k++) {
      count += line.has(k, '/') ? 1 : 0;
    }
    return count;
  }

  private static int end(Line line, int start) {
    boolean inHan = false;
    int depth = 0;
    boolean drive = line.has(start, ':') && line.has(start + 1, '\\');
    int i = start;
    while ((!line.in(i, STOPS) || (drive && inName(line, i))) && !oneOf(line, i, "<>`|")) {
      if (line.is(i, Kind.HAN)) {
        if (!inHan && !oneOf(line, i - 1, SEPARATORS)) {
          return i;
        }
        inHan = true;
      } else if (oneOf(line, i, "/?=&#\\") || (line.has(i, '.') && line.is(i + 1, Kind.LATIN))) {
        inHan = false;
      } else if (oneOf(line, i, ",;!") && (inHan || line.is(i + 1, Kind.HAN))) {
        return i;
      }
      depth += line.is(i, Kind.OPEN) ? 1 : line.is(i, Kind.CLOSE) ? -1 : 0;
      if (depth < 0) {
        return i;
      }
      i++;
    }
    return i;
  }

  /// Whether the space at `i` is within the name of a directory: `C:\Program Files\…`.
  private static boolean inName(Line line, int i) {
    if (!line.is(i, Kind.SPACE)) {
      return false;
    }
    int end = i + 1;
    while (end < i + LONGEST_NAME
        && (line.in(end, Kind.WORD)
            || oneOf(line, end, "()._-")
            || (line.is(end, Kind.SPACE) && !line.is(end - 1, Kind.SPACE)))) {
      end++;
    }
    return line.has(end, '\\') && !line.is(end - 1, Kind.SPACE);
  }

  /// Without the punctuation of the sentence around it.
  private static int trimmed(Line line, int start, int end) {
    int to = end;
    while (to > start + 1 && (line.is(to - 1, Kind.POINT) || oneOf(line, to - 1, "'*)]}("))) {
      if (line.has(to - 1, ')') && opened(line, start, to)) {
        break;
      }
      to--;
    }
    return to;
  }

  private static boolean opened(Line line, int start, int end) {
    int open = 0;
    for (int i = start; i < end; i++) {
      open += line.has(i, '(') ? 1 : line.has(i, ')') ? -1 : 0;
    }
    return open >= 0;
  }

  private static boolean oneOf(Line line, int i, String characters) {
    return i >= 0 && i < line.length() && characters.indexOf(line.at(i)) >= 0;
  }
}
