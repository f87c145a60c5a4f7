package dev.yushan.structured;

import dev.yushan.structured.Program.Accept;
import dev.yushan.structured.Program.Bytes;
import dev.yushan.structured.Program.Call;
import dev.yushan.structured.Program.Node;
import dev.yushan.structured.Program.Return;
import dev.yushan.structured.Program.Split;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.function.IntConsumer;

/// Finds rules that call themselves before they read a byte: following them would not end.
final class LeftRecursion {
  private LeftRecursion() {}

  /// Throws [IllegalArgumentException] where there is one.
  static void refuse(List<Node> nodes, int[] entries, int[] costs) {
    BitSet[] calls = new BitSet[entries.length];
    for (int rule = 0; rule < entries.length; rule++) {
      calls[rule] = callsAtOnce(nodes, entries, costs, rule);
    }
    for (int rule = 0; rule < entries.length; rule++) {
      BitSet reached = new BitSet();
      follow(rule, (at, visit) -> calls[at].stream().forEach(visit), reached);
      if (reached.get(rule)) {
        throw new IllegalArgumentException(
            "a value is defined as itself ($ref leads back to where it stands): let an object or a"
                + " list come between, or remove that alternative");
      }
    }
  }

  private static BitSet callsAtOnce(List<Node> nodes, int[] entries, int[] costs, int rule) {
    BitSet calls = new BitSet();
    BitSet seen = new BitSet();
    seen.set(entries[rule]);
    follow(
        entries[rule],
        (at, visit) -> {
          switch (nodes.get(at)) {
            case Split(List<Integer> to) -> to.forEach(visit::accept);
            case Call(int called, int next) -> {
              calls.set(called);
              if (costs[entries[called]] == 0) {
                visit.accept(next);
              }
            }
            case Bytes _, Return _, Accept _ -> {}
          }
        },
        seen);
    return calls;
  }

  private interface Successors {
    void of(int at, IntConsumer visit);
  }

  /// Adds all that is reached from `start` to `seen`.
  private static void follow(int start, Successors successors, BitSet seen) {
    Deque<Integer> open = new ArrayDeque<>(List.of(start));
    while (!open.isEmpty()) {
      successors.of(
          open.removeLast(),
          to -> {
            if (!seen.get(to)) {
              seen.set(to);
              open.addLast(to);
            }
          });
    }
  }
}
