package dev.yushan.structured;

import java.util.Arrays;
import java.util.List;

/// A nondeterministic automaton over bytes whose parts call each other, and so may be recursive.
/// Nodes that lead to no end of the text have an infinite cost and are never entered: whatever can
/// be reached can be finished.
///
/// @param nodes what [Assembler] has made
/// @param start the node of an empty text
/// @param entries the first node of each rule
/// @param costs of each node: the fewest bytes to its [Accept] or [Return], or [#NEVER]
/// @param classOf of each byte: its class; bytes of one class are not told apart by any node
/// @param representatives of each class: one of its bytes
record Program(
    List<Node> nodes, int start, int[] entries, int[] costs, int[] classOf, int[] representatives) {
  static final int NEVER = 1 << 30;

  sealed interface Node {}

  /// One byte from one of the ranges, which are disjoint.
  record Bytes(List<Edge> edges) implements Node {}

  /// A byte from `low` to `high`, then node `to`.
  record Edge(int low, int high, int to) {}

  /// Any of these nodes, nothing read.
  record Split(List<Integer> to) implements Node {}

  /// The nodes of a rule, then node `next`.
  record Call(int rule, int next) implements Node {}

  /// The end of a rule.
  record Return() implements Node {}

  /// The end of the text.
  record Accept() implements Node {}

  /// Adds costs and classes of bytes to nodes. Throws [IllegalArgumentException] where no text
  /// reaches the end, or where following the nodes would not end.
  static Program of(List<Node> nodes, int start, int[] entries) {
    int[] costs = costs(nodes, entries);
    if (costs[start] >= NEVER) {
      throw new IllegalArgumentException(
          "no finite text fits: it asks for an empty set of characters, or for a value that must"
              + " hold itself; make a part optional or add another alternative");
    }
    LeftRecursion.refuse(nodes, entries, costs);
    int[] classOf = classes(nodes);
    int[] representatives = new int[classOf[255] + 1];
    for (int b = 255; b >= 0; b--) {
      representatives[classOf[b]] = b;
    }
    return new Program(List.copyOf(nodes), start, entries, costs, classOf, representatives);
  }

  /// Where `b` leads from a node that reads bytes, -1 for nowhere.
  int step(int node, int b) {
    if (nodes.get(node) instanceof Bytes(List<Edge> edges)) {
      for (int i = 0; i < edges.size(); i++) {
        Edge edge = edges.get(i);
        if (b <= edge.high) {
          return b >= edge.low ? edge.to : -1;
        }
      }
    }
    return -1;
  }

  /// Shortest ways to the end, by sweeps until nothing changes. Successors mostly come before their
  /// node, so that few sweeps do.
  private static int[] costs(List<Node> nodes, int[] entries) {
    int[] costs = new int[nodes.size()];
    Arrays.fill(costs, NEVER);
    for (boolean changed = true; changed; ) {
      changed = false;
      for (int n = 0; n < costs.length; n++) {
        int cost = cost(nodes.get(n), costs, entries);
        if (cost < costs[n]) {
          costs[n] = cost;
          changed = true;
        }
      }
    }
    return costs;
  }

  private static int cost(Node node, int[] costs, int[] entries) {
    long cost =
        switch (node) {
          case Bytes(List<Edge> edges) ->
              1L + edges.stream().mapToInt(edge -> costs[edge.to]).min().orElse(NEVER);
          case Split(List<Integer> to) -> to.stream().mapToInt(n -> costs[n]).min().orElse(NEVER);
          case Call(int rule, int next) -> (long) costs[entries[rule]] + costs[next];
          case Return() -> 0;
          case Accept() -> 0;
        };
    return (int) Math.min(cost, NEVER);
  }

  private static int[] classes(List<Node> nodes) {
    boolean[] begins = new boolean[257];
    for (Node node : nodes) {
      if (node instanceof Bytes(List<Edge> edges)) {
        for (Edge edge : edges) {
          begins[edge.low] = true;
          begins[edge.high + 1] = true;
        }
      }
    }
    int[] classOf = new int[256];
    for (int b = 1; b < 256; b++) {
      classOf[b] = classOf[b - 1] + (begins[b] ? 1 : 0);
    }
    return classOf;
  }
}
