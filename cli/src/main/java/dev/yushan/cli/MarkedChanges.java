package dev.yushan.cli;

import com.github.difflib.DiffUtils;
import com.github.difflib.algorithm.myers.MyersDiffWithLinearSpace;
import com.github.difflib.patch.AbstractDelta;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// Two versions of a text as one, with what was taken out and what was put in marked, and what
/// cannot be seen made visible. Of long texts only what is near a change.
///
/// @param colours marks by colours, as terminals show them, else by `[-…-]` and `{+…+}`
record MarkedChanges(boolean colours) {
  /// Characters that are shown on both sides of a change.
  private static final int CONTEXT = 40;

  /// Lines of a passage stand below its first one.
  private static final String LINE_END = "\n    ";

  enum Kind {
    SAME("", "", ""),
    REMOVED("[-", "-]", "\u001B[7;31m"),
    ADDED("{+", "+}", "\u001B[7;32m");

    private final String open;
    private final String close;
    private final String colour;

    Kind(String open, String close, String colour) {
      this.open = open;
      this.close = close;
      this.colour = colour;
    }
  }

  /// A part of one of the versions, or of both.
  record Piece(Kind kind, String text) {}

  // ---- comparing -------------------------------------------------------------------------------

  /// Both versions in pieces, in order: without those added they are `before`, without those
  /// removed `after`. No two neighbours are of one kind.
  static List<Piece> pieces(String before, String after) {
    List<Piece> pieces = new ArrayList<>();
    // by lines first: characters of whole documents would take long
    List<String> a = lines(before);
    List<String> b = lines(after);
    int same = 0;
    for (Change change : changes(a, b)) {
      add(pieces, Kind.SAME, String.join("", a.subList(same, change.from)));
      compareLines(
          pieces, a.subList(change.from, change.to), b.subList(change.newFrom, change.newTo));
      same = change.to;
    }
    add(pieces, Kind.SAME, String.join("", a.subList(same, a.size())));
    return pieces;
  }

  /// Lines are mostly changed one by one.
  private static void compareLines(List<Piece> pieces, List<String> before, List<String> after) {
    if (before.size() == after.size()) {
      for (int i = 0; i < before.size(); i++) {
        compareCharacters(pieces, before.get(i), after.get(i));
      }
    } else {
      compareCharacters(pieces, String.join("", before), String.join("", after));
    }
  }

  private static void compareCharacters(List<Piece> pieces, String before, String after) {
    List<Integer> a = before.codePoints().boxed().toList();
    List<Integer> b = after.codePoints().boxed().toList();
    int most = Math.min(a.size(), b.size());
    int start = 0;
    while (start < most && a.get(start).equals(b.get(start))) {
      start++;
    }
    int end = 0;
    while (end < most - start && a.get(a.size() - 1 - end).equals(b.get(b.size() - 1 - end))) {
      end++;
    }
    add(pieces, Kind.SAME, text(a.subList(0, start)));
    List<Integer> middle = a.subList(start, a.size() - end);
    List<Integer> newMiddle = b.subList(start, b.size() - end);
    int same = 0;
    for (Change change : changes(middle, newMiddle)) {
      add(pieces, Kind.SAME, text(middle.subList(same, change.from)));
      add(pieces, Kind.REMOVED, text(middle.subList(change.from, change.to)));
      add(pieces, Kind.ADDED, text(newMiddle.subList(change.newFrom, change.newTo)));
      same = change.to;
    }
    add(pieces, Kind.SAME, text(a.subList(start + same, a.size())));
  }

  /// Elements `from` up to `to` that gave way to others.
  private record Change(int from, int to, int newFrom, int newTo) {}

  /// All changes, with something the same between any two.
  private static <T> List<Change> changes(List<T> before, List<T> after) {
    List<Change> changes = new ArrayList<>();
    // in linear space, this algorithm says separately what was removed and what was added
    for (AbstractDelta<T> delta :
        DiffUtils.diff(before, after, new MyersDiffWithLinearSpace<>()).getDeltas()) {
      int from = delta.getSource().getPosition();
      int newFrom = delta.getTarget().getPosition();
      int to = from + delta.getSource().size();
      int newTo = newFrom + delta.getTarget().size();
      if (!changes.isEmpty() && from == changes.getLast().to) {
        Change last = changes.removeLast();
        from = last.from;
        newFrom = last.newFrom;
        newTo = Math.max(newTo, last.newTo);
      }
      changes.add(new Change(from, to, newFrom, newTo));
    }
    return changes;
  }

  private static void add(List<Piece> pieces, Kind kind, String text) {
    if (text.isEmpty()) {
      return;
    }
    if (!pieces.isEmpty() && pieces.getLast().kind == kind) {
      pieces.addLast(new Piece(kind, pieces.removeLast().text + text));
    } else {
      pieces.add(new Piece(kind, text));
    }
  }

  private static List<String> lines(String text) {
    return List.of(text.split("(?<=\n)"));
  }

  private static String text(List<Integer> codePoints) {
    return codePoints.stream().map(Character::toString).collect(Collectors.joining());
  }

  // ---- showing ---------------------------------------------------------------------------------

  /// What is near the changes: passages that begin with their line in `before`, each with a line
  /// end.
  String of(String before, String after) {
    StringBuilder shown = new StringBuilder();
    List<Piece> pieces = pieces(before, after);
    int line = 1;
    for (int i = 0; i < pieces.size(); i++) {
      Piece piece = pieces.get(i);
      boolean first = i == 0;
      boolean last = i == pieces.size() - 1;
      if (isLong(piece, first || last)) {
        shown.append(first ? "" : start(piece.text)).append(last ? "" : end(piece.text, line));
      } else {
        shown.append(first ? place(1) : "").append(marked(piece));
      }
      line += piece.kind == Kind.ADDED ? 0 : breaks(piece.text);
    }
    return shown.toString().stripTrailing() + "\n";
  }

  private static boolean isLong(Piece piece, boolean outer) {
    return piece.kind == Kind.SAME
        && piece.text.codePointCount(0, piece.text.length()) > (outer ? CONTEXT : 2 * CONTEXT);
  }

  private static String start(String text) {
    return visible(text.substring(0, text.offsetByCodePoints(0, CONTEXT)), false).stripTrailing()
        + "…\n";
  }

  private static String end(String text, int line) {
    int from = text.offsetByCodePoints(text.length(), -CONTEXT);
    return place(line + breaks(text.substring(0, from)))
        + "…"
        + visible(text.substring(from), false);
  }

  private static String place(int line) {
    return "  line %d: ".formatted(line);
  }

  private static int breaks(String text) {
    return (int) text.chars().filter(c -> c == '\n').count();
  }

  /// Line by line, so that no mark goes over the indent.
  private String marked(Piece piece) {
    return piece.kind == Kind.SAME
        ? visible(piece.text, false)
        : Arrays.stream(visible(piece.text, true).split(LINE_END, -1))
            .map(line -> line.isEmpty() ? "" : marked(piece.kind, line))
            .collect(Collectors.joining(LINE_END));
  }

  private String marked(Kind kind, String text) {
    return colours ? kind.colour + text + "\u001B[0m" : kind.open + text + kind.close;
  }

  /// @param marked whether it is a change: there spaces of other kinds and line breaks are shown
  ///   too
  private static String visible(String text, boolean marked) {
    StringBuilder visible = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              switch (Character.getType(c)) {
                case Character.CONTROL -> visible.append(control(c, marked));
                case Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR ->
                    visible.append("U+%04X".formatted(c));
                case Character.SPACE_SEPARATOR ->
                    visible.append(
                        marked && c != ' ' ? "U+%04X".formatted(c) : Character.toString(c));
                default -> visible.appendCodePoint(c);
              }
            });
    return visible.toString();
  }

  private static String control(int c, boolean marked) {
    return switch (c) {
      case '\n' -> (marked ? "⏎" : "") + LINE_END;
      case '\t' -> "⇥";
      default -> "U+%04X".formatted(c);
    };
  }

  /// A text on one line, safe to print on a terminal.
  static String oneLine(String text) {
    return visible(text.replace('\n', ' '), false);
  }

  /// The beginning of a text on one line.
  static String beginning(String text) {
    int end = text.offsetByCodePoints(0, Math.min(CONTEXT, text.codePointCount(0, text.length())));
    return oneLine(text.substring(0, end)) + (end < text.length() ? "…" : "");
  }
}
