package dev.yushan.data.format;

import java.util.Locale;
import java.util.Set;

/// HTML tags, as spans. A tag that marks text up is not spaced from it; one that is spoken of
/// (bare, never closed on its line, as in `一個<div>標籤`) and the parameter of a generic type are
/// words. An address in angle brackets is a word too.
final class Tag {
  private static final Set<String> VOID =
      Set.of("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr");

  private Tag() {}

  /// Looks for a tag that begins at `start`; returns where it ends, or `start` for none.
  static int protect(Line line, int start) {
    int link = link(line, start);
    if (link > start) {
      line.protect(start, link, Kind.SPAN);
      return link;
    }
    int name = line.has(start + 1, '/') ? start + 2 : start + 1;
    int nameEnd = name;
    while (line.in(nameEnd, Kind.WORD)) {
      nameEnd++;
    }
    boolean comment = line.hasWord(start, "<!--");
    if (!comment && (!line.is(name, Kind.LATIN) || !delimits(line, nameEnd))) {
      return start;
    }
    int end = nameEnd;
    while (end < line.length() && !line.has(end, '>')) {
      if (line.has(end, '<') && end > start) {
        return start;
      }
      end++;
    }
    if (end == line.length()) {
      return start;
    }
    end++;
    line.protect(start, end, word(line, start, name, nameEnd, end) ? Kind.SPAN : Kind.MARKUP);
    return end;
  }

  /// The end of `<https://…>` or `<name@…>`, `start` for none.
  private static int link(Line line, int start) {
    int end = start + 1;
    boolean address = false;
    while (end < Math.min(line.length(), start + Span.LONGEST)
        && !line.in(end, Kind.FULL | Kind.set(Kind.SPACE, Kind.TAB, Kind.QUOTE))
        && !line.has(end, '<')
        && !line.has(end, '>')) {
      address |= line.hasWord(end, "://") || line.has(end, '@');
      end++;
    }
    return address && line.is(start + 1, Kind.LATIN) && line.has(end, '>') ? end + 1 : start;
  }

  /// Looks for `&amp;` or `&#34;` at `start`; returns where it ends, or `start` for none.
  static int entity(Line line, int start) {
    int end = line.has(start + 1, '#') ? start + 2 : start + 1;
    int name = end;
    while (line.in(end, Kind.WORD)) {
      end++;
    }
    if (end == name || !line.has(end, ';')) {
      return start;
    }
    line.protect(start, end + 1, Kind.MARKUP);
    return end + 1;
  }

  private static boolean delimits(Line line, int i) {
    return line.is(i, Kind.SPACE) || line.has(i, '>') || line.has(i, '/');
  }

  private static boolean word(Line line, int start, int name, int nameEnd, int end) {
    if (line.in(start - 1, Kind.WORD)) {
      return true;
    }
    int i = line.after(nameEnd, 1);
    boolean bare = line.has(i, '>') || (line.has(i, '/') && i + 2 == end);
    StringBuilder spelled = new StringBuilder();
    for (int k = name; k < nameEnd; k++) {
      spelled.append(line.at(k));
    }
    return bare
        && name == start + 1
        && !VOID.contains(spelled.toString().toLowerCase(Locale.ROOT))
        && !closed(line, end, "</" + spelled);
  }

  private static boolean closed(Line line, int from, String closing) {
    for (int i = from; i < Math.min(line.length(), from + Span.LONGEST); i++) {
      if (line.hasWord(i, closing)) {
        return true;
      }
    }
    return false;
  }
}
