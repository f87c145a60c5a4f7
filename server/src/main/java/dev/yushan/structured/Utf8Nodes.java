package dev.yushan.structured;

import dev.yushan.structured.CodePoints.Range;
import dev.yushan.structured.Program.Bytes;
import dev.yushan.structured.Program.Edge;
import dev.yushan.structured.Program.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/// The nodes that read one character of a set in UTF-8: a tree over its bytes whose equal parts are
/// one. No byte sequence that is not UTF-8 gets through.
final class Utf8Nodes {
  /// The code points of one, two, three and four bytes, and what the first byte adds to its bits.
  private static final List<Range> BY_LENGTH =
      List.of(
          new Range(0, 0x7F),
          new Range(0x80, 0x7FF),
          new Range(0x800, 0xFFFF),
          new Range(0x10000, CodePoints.MAX));

  private static final int[] LEAD = {0, 0xC0, 0xE0, 0xF0};

  private final ToIntFunction<Node> nodes;
  private final CodePoints set;
  private final int next;

  Utf8Nodes(ToIntFunction<Node> nodes, CodePoints set, int next) {
    this.nodes = nodes;
    this.set = set;
    this.next = next;
  }

  int first() {
    List<Edge> edges = new ArrayList<>();
    for (int more = 0; more < 4; more++) {
      Range codes = BY_LENGTH.get(more);
      int bits = 6 * more;
      for (int lead = codes.low() >> bits; lead <= codes.high() >> bits; lead++) {
        int low = Math.max(lead << bits, codes.low());
        int high = Math.min((lead << bits) + (1 << bits) - 1, codes.high());
        addEdge(edges, LEAD[more] + lead, low, high, more);
      }
    }
    return nodes.applyAsInt(new Bytes(List.copyOf(edges)));
  }

  /// The node that reads the `more` last bytes of the code points from `low` to `high`.
  private int rest(int low, int high, int more) {
    if (more == 0) {
      return next;
    }
    int bits = 6 * (more - 1);
    List<Edge> edges = new ArrayList<>();
    for (int from = low; from <= high; from = ((from >> bits) + 1) << bits) {
      int to = Math.min(high, (((from >> bits) + 1) << bits) - 1);
      addEdge(edges, 0x80 | (from >> bits & 0x3F), from, to, more - 1);
    }
    return nodes.applyAsInt(new Bytes(List.copyOf(edges)));
  }

  /// The node of any `more` last bytes.
  private int any(int more) {
    return more == 0
        ? next
        : nodes.applyAsInt(new Bytes(List.of(new Edge(0x80, 0xBF, any(more - 1)))));
  }

  private Range firstEndingFrom(int low) {
    List<Range> ranges = set.ranges();
    int from = 0;
    int to = ranges.size();
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (ranges.get(middle).high() < low) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from == ranges.size() ? null : ranges.get(from);
  }

  private void addEdge(List<Edge> edges, int b, int low, int high, int more) {
    Range in = firstEndingFrom(low);
    if (in == null || in.low() > high) {
      return;
    }
    boolean all = in.low() <= low && high <= in.high() && high - low == (1 << 6 * more) - 1;
    int to = all ? any(more) : rest(low, high, more);
    Edge last = edges.isEmpty() ? null : edges.getLast();
    if (last != null && last.to() == to && last.high() == b - 1) {
      edges.set(edges.size() - 1, new Edge(last.low(), b, to));
    } else {
      edges.add(new Edge(b, b, to));
    }
  }
}
