package dev.yushan.data.prepare;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/// Cuts a text that is too long into pieces of at most so many tokens, each time at the best
/// [Break] in the second half of what fits. Nothing is lost: the pieces together are the text.
final class SentenceSplit {
  /// In the fingerprint of the step, so that pieces that were cut by other rules are cut again.
  static final int VERSION = 2;

  private static final Break[] BREAKS = Break.values();

  /// @param tokens without those of a document around it
  /// @param end how good a place to cut is its end, the lower the better
  private record Part(String text, int tokens, int end) {}

  private final int most;
  private final ToIntFunction<String> count;
  private final int frame;
  private final List<Part> parts = new ArrayList<>();
  private final List<String> pieces = new ArrayList<>();

  private SentenceSplit(int most, ToIntFunction<String> count) {
    this.most = most;
    this.count = count;
    frame = count.applyAsInt("");
  }

  /// @param most tokens of a piece
  /// @param count the tokens of a text as a document
  static List<String> of(String text, int most, ToIntFunction<String> count) {
    SentenceSplit split = new SentenceSplit(most, count);
    split.part(text, 0, 0);
    split.gather();
    return split.pieces;
  }

  /// Parts that are each short enough, as coarse as they can be.
  ///
  /// @param end how good a place to cut is the end of `text`
  private void part(String text, int level, int end) {
    List<String> cut = level < BREAKS.length ? BREAKS[level].cut(text) : halves(text);
    for (int i = 0; i < cut.size(); i++) {
      String part = cut.get(i);
      int partEnd = i == cut.size() - 1 ? end : level;
      int tokens = count.applyAsInt(part) - frame;
      if (tokens + frame <= most || part.codePointCount(0, part.length()) == 1) {
        parts.add(new Part(part, tokens, partEnd));
      } else {
        part(part, Math.min(level + 1, BREAKS.length), partEnd);
      }
    }
  }

  private static List<String> halves(String text) {
    int middle = text.offsetByCodePoints(0, text.codePointCount(0, text.length()) / 2);
    return List.of(text.substring(0, middle), text.substring(middle));
  }

  /// Puts as many parts into a piece as may be. Their tokens one by one are, but for rare cases, no
  /// fewer than those of all together, which spares counting each beginning of a piece.
  private void gather() {
    List<Part> piece = new ArrayList<>();
    int tokens = frame;
    for (Part part : parts) {
      while (!piece.isEmpty() && tokens + part.tokens > most) {
        List<Part> full = piece.subList(0, best(piece));
        add(List.copyOf(full));
        full.clear();
        tokens = frame + piece.stream().mapToInt(Part::tokens).sum();
      }
      piece.add(part);
      tokens += part.tokens;
    }
    add(piece);
  }

  /// How many of the parts make a piece: up to the best end, the last of equals, in the second half
  /// of what may be; all, if none is there.
  private int best(List<Part> piece) {
    int best = piece.size();
    int tokens = frame;
    for (int i = 0; i < piece.size(); i++) {
      tokens += piece.get(i).tokens;
      int ends = piece.get(i).end;
      int former = piece.get(best - 1).end;
      if (2 * tokens >= most && (ends < former || (ends == former && i >= best))) {
        best = i + 1;
      }
    }
    return best;
  }

  private void add(List<Part> whole) {
    String piece = String.join("", whole.stream().map(Part::text).toList());
    if (whole.size() > 1 && count.applyAsInt(piece) > most) {
      add(whole.subList(0, whole.size() / 2));
      add(whole.subList(whole.size() / 2, whole.size()));
    } else if (!piece.isEmpty()) {
      pieces.add(piece);
    }
  }
}
