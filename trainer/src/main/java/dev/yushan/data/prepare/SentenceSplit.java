package dev.yushan.data.prepare;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/// Cuts a text that is too long into pieces of at most so many tokens: at the ends of lines; within
/// a line that is too long at the ends of sentences; within a sentence at commas; else anywhere.
/// Nothing is lost: the pieces together are the text.
final class SentenceSplit {
  /// What ends a part, and what belongs to it if it follows.
  private record Level(String ends, String closers) {}

  private static final List<Level> LEVELS =
      List.of(
          new Level("\n", ""),
          new Level("。！？；!?;…", "」』”’）)"),
          new Level("，、：,:", "」』”’）)"),
          new Level(" \t\u3000", ""));

  private final int most;
  private final ToIntFunction<String> count;
  private final List<String> pieces = new ArrayList<>();

  private SentenceSplit(int most, ToIntFunction<String> count) {
    this.most = most;
    this.count = count;
  }

  /// @param most tokens of a piece
  /// @param count the tokens of a text as a document
  static List<String> of(String text, int most, ToIntFunction<String> count) {
    SentenceSplit split = new SentenceSplit(most, count);
    split.gather(split.parts(text, 0));
    return split.pieces;
  }

  /// Puts as many parts into a piece as may be. Their tokens one by one are, but for rare cases, no
  /// fewer than those of all together, which spares counting each beginning of a piece.
  private void gather(List<String> parts) {
    int frame = count.applyAsInt("");
    List<String> piece = new ArrayList<>();
    int tokens = frame;
    for (String part : parts) {
      int more = count.applyAsInt(part) - frame;
      if (!piece.isEmpty() && tokens + more > most) {
        add(piece);
        piece.clear();
        tokens = frame;
      }
      piece.add(part);
      tokens += more;
    }
    add(piece);
  }

  private void add(List<String> parts) {
    String piece = String.join("", parts);
    if (parts.size() > 1 && count.applyAsInt(piece) > most) {
      add(List.copyOf(parts.subList(0, parts.size() / 2)));
      add(List.copyOf(parts.subList(parts.size() / 2, parts.size())));
    } else if (!piece.isEmpty()) {
      pieces.add(piece);
    }
  }

  /// Parts that are each short enough, as coarse as they can be.
  private List<String> parts(String text, int level) {
    List<String> parts = new ArrayList<>();
    for (String part : level < LEVELS.size() ? cut(text, LEVELS.get(level)) : halves(text)) {
      boolean single = part.codePointCount(0, part.length()) == 1;
      if (single || count.applyAsInt(part) <= most) {
        parts.add(part);
      } else {
        parts.addAll(parts(part, Math.min(level + 1, LEVELS.size())));
      }
    }
    return parts;
  }

  private static List<String> cut(String text, Level level) {
    List<String> parts = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      if (level.ends.indexOf(text.charAt(i)) < 0) {
        continue;
      }
      int end = i + 1;
      while (end < text.length() && (level.ends + level.closers).indexOf(text.charAt(end)) >= 0) {
        end++;
      }
      parts.add(text.substring(start, end));
      start = end;
      i = end - 1;
    }
    if (start < text.length()) {
      parts.add(text.substring(start));
    }
    return parts;
  }

  private static List<String> halves(String text) {
    int middle = text.offsetByCodePoints(0, text.codePointCount(0, text.length()) / 2);
    return List.of(text.substring(0, middle), text.substring(middle));
  }
}
