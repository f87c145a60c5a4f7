package dev.yushan.structured;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntPredicate;

/// A set of Unicode scalar values: every code point but the surrogates, which UTF-8 cannot hold.
///
/// @param ranges ascending, neither overlapping nor adjacent
record CodePoints(List<Range> ranges) {
  static final int MAX = 0x10FFFF;
  static final CodePoints NONE = new CodePoints(List.of());
  static final CodePoints ALL = union(List.of(new Range(0, 0xD7FF), new Range(0xE000, MAX)));
  static final CodePoints DIGITS = range('0', '9');
  static final CodePoints WORD =
      union(
          List.of(
              new Range('0', '9'), new Range('A', 'Z'), new Range('_', '_'), new Range('a', 'z')));
  static final CodePoints SPACE = union(List.of(new Range('\t', '\r'), new Range(' ', ' ')));
  static final CodePoints NO_LINE_FEED = of('\n').complement();

  /// From `low` to `high`, both of it.
  record Range(int low, int high) {}

  static CodePoints of(int codePoint) {
    return range(codePoint, codePoint);
  }

  static CodePoints range(int low, int high) {
    return union(List.of(new Range(low, high))).and(ALL);
  }

  /// Those that `test` accepts.
  static CodePoints where(IntPredicate test) {
    List<Range> ranges = new ArrayList<>();
    int low = -1;
    for (int c = 0; c <= MAX + 1; c++) {
      boolean in = c <= MAX && (c < 0xD800 || c > 0xDFFF) && test.test(c);
      if (in && low < 0) {
        low = c;
      } else if (!in && low >= 0) {
        ranges.add(new Range(low, c - 1));
        low = -1;
      }
    }
    return new CodePoints(List.copyOf(ranges));
  }

  CodePoints or(CodePoints other) {
    List<Range> all = new ArrayList<>(ranges);
    all.addAll(other.ranges);
    return union(all);
  }

  CodePoints and(CodePoints other) {
    List<Range> both = new ArrayList<>();
    int i = 0;
    int j = 0;
    while (i < ranges.size() && j < other.ranges.size()) {
      Range a = ranges.get(i);
      Range b = other.ranges.get(j);
      int low = Math.max(a.low, b.low);
      int high = Math.min(a.high, b.high);
      if (low <= high) {
        both.add(new Range(low, high));
      }
      if (a.high < b.high) {
        i++;
      } else {
        j++;
      }
    }
    return new CodePoints(List.copyOf(both));
  }

  CodePoints complement() {
    List<Range> gaps = new ArrayList<>();
    int from = 0;
    for (Range range : ranges) {
      if (from < range.low) {
        gaps.add(new Range(from, range.low - 1));
      }
      from = range.high + 1;
    }
    if (from <= MAX) {
      gaps.add(new Range(from, MAX));
    }
    return new CodePoints(List.copyOf(gaps)).and(ALL);
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }

  boolean contains(int codePoint) {
    return ranges.stream().anyMatch(r -> r.low <= codePoint && codePoint <= r.high);
  }

  private static CodePoints union(List<Range> unordered) {
    List<Range> sorted = new ArrayList<>(unordered);
    sorted.sort(Comparator.comparingInt(Range::low));
    List<Range> merged = new ArrayList<>();
    for (Range next : sorted) {
      Range last = merged.isEmpty() ? null : merged.getLast();
      if (last != null && next.low <= last.high + 1) {
        merged.set(merged.size() - 1, new Range(last.low, Math.max(last.high, next.high)));
      } else {
        merged.add(next);
      }
    }
    return new CodePoints(List.copyOf(merged));
  }
}
