package dev.yushan.structured;

import dev.yushan.structured.Program.Accept;
import dev.yushan.structured.Program.Bytes;
import dev.yushan.structured.Program.Call;
import dev.yushan.structured.Program.Edge;
import dev.yushan.structured.Program.Node;
import dev.yushan.structured.Program.Return;
import dev.yushan.structured.Program.Split;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/// Makes a [Program] of an [Expr], from its end to its beginning: each part is told the node that
/// follows it and answers with its own first node. Equal nodes are made once. What is repeated a
/// number of times is a rule called that often, so that the program grows by a node a time.
final class Assembler {
  /// Nodes of a program; a schema of a hundred properties has some thousands.
  static final int MAX_NODES = 200_000;

  private final List<Node> nodes = new ArrayList<>();
  private final Map<Node, Integer> ids = new HashMap<>();
  private final Map<String, Expr> rules;
  private final Map<String, Integer> named = new HashMap<>();
  private final Map<Expr, Integer> repeated = new IdentityHashMap<>();
  private final List<Expr> bodies = new ArrayList<>();

  private Assembler(Map<String, Expr> rules) {
    this.rules = rules;
  }

  /// The program of `text`, which may call `rules`. Throws [IllegalArgumentException] for one that
  /// is too large or that no text fits.
  static Program assemble(Expr text, Map<String, Expr> rules) {
    Assembler assembler = new Assembler(rules);
    int start = assembler.add(text, assembler.node(new Accept()));
    int end = assembler.node(new Return());
    List<Integer> entries = new ArrayList<>();
    while (entries.size() < assembler.bodies.size()) {
      entries.add(assembler.add(assembler.bodies.get(entries.size()), end));
    }
    return Program.of(
        assembler.nodes, start, entries.stream().mapToInt(Integer::intValue).toArray());
  }

  private int add(Expr expr, int next) {
    return switch (expr) {
      case Expr.Chars(CodePoints set) -> new Utf8Nodes(this::node, set, next).first();
      case Expr.Text(String text) -> literal(text, next);
      case Expr.Sequence(List<Expr> parts) -> {
        int entry = next;
        for (Expr part : parts.reversed()) {
          entry = add(part, entry);
        }
        yield entry;
      }
      case Expr.Choice(List<Expr> options) -> choice(options, next);
      case Expr.Repeat repeat -> repeat(repeat, next);
      case Expr.Members members -> members(members, next);
      case Expr.Rule(String name) ->
          node(new Call(named.computeIfAbsent(name, n -> rule(rules.get(n))), next));
    };
  }

  private int literal(String text, int next) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int entry = next;
    for (int i = bytes.length - 1; i >= 0; i--) {
      int b = bytes[i] & 0xFF;
      entry = node(new Bytes(List.of(new Edge(b, b, entry))));
    }
    return entry;
  }

  private int choice(List<Expr> options, int next) {
    List<byte[]> texts = new ArrayList<>();
    List<Integer> to = new ArrayList<>();
    for (Expr option : options) {
      if (option instanceof Expr.Text(String text)) {
        texts.add(text.getBytes(StandardCharsets.UTF_8));
      } else {
        to.add(add(option, next));
      }
    }
    if (!texts.isEmpty()) {
      texts.sort(Arrays::compareUnsigned);
      to.add(texts(texts, 0, next));
    }
    return split(to);
  }

  /// Texts share their beginnings: however many there are, one reading of what was written is
  /// followed.
  private int texts(List<byte[]> sorted, int depth, int next) {
    List<Edge> edges = new ArrayList<>();
    int from = 0;
    while (from < sorted.size() && sorted.get(from).length == depth) {
      from++;
    }
    boolean ends = from > 0;
    while (from < sorted.size()) {
      int b = sorted.get(from)[depth] & 0xFF;
      int to = from;
      while (to < sorted.size() && (sorted.get(to)[depth] & 0xFF) == b) {
        to++;
      }
      List<byte[]> under = sorted.subList(from, to);
      int rest =
          under.size() == 1
              ? tail(under.getFirst(), depth + 1, next)
              : texts(under, depth + 1, next);
      edges.add(new Edge(b, b, rest));
      from = to;
    }
    if (edges.isEmpty()) {
      return next;
    }
    int bytes = node(new Bytes(List.copyOf(edges)));
    return ends ? split(List.of(bytes, next)) : bytes;
  }

  private int tail(byte[] text, int depth, int next) {
    int entry = next;
    for (int i = text.length - 1; i >= depth; i--) {
      int b = text[i] & 0xFF;
      entry = node(new Bytes(List.of(new Edge(b, b, entry))));
    }
    return entry;
  }

  private int repeat(Expr.Repeat repeat, int next) {
    int entry = next;
    boolean once = Math.max(repeat.min(), 1) == 1 && (repeat.min() == 0 || repeat.max() == 1);
    if (repeat.max() == Expr.Repeat.UNBOUNDED) {
      entry = reserve();
      int body = part(repeat.part(), entry, once);
      nodes.set(entry, new Split(List.of(body, next)));
    } else {
      once &= repeat.max() == 1;
      for (int i = repeat.min(); i < repeat.max(); i++) {
        entry = split(List.of(part(repeat.part(), entry, once), next));
      }
    }
    for (int i = 0; i < repeat.min(); i++) {
      entry = part(repeat.part(), entry, once);
    }
    return entry;
  }

  private int part(Expr part, int next, boolean once) {
    boolean small =
        part instanceof Expr.Rule
            || part instanceof Expr.Chars(CodePoints set)
                && !set.isEmpty()
                && set.ranges().getLast().high() < 0x80;
    return once || small
        ? add(part, next)
        : node(new Call(repeated.computeIfAbsent(part, this::rule), next));
  }

  /// Two chains: of nothing written yet, and of something written, where a separator comes first.
  private int members(Expr.Members members, int next) {
    int nothing = next;
    int something = next;
    for (Expr.Member member : members.members().reversed()) {
      int part = add(member.part(), something);
      int separated = add(members.separator(), part);
      something = member.required() ? separated : split(List.of(separated, something));
      nothing = member.required() ? part : split(List.of(part, nothing));
    }
    return nothing;
  }

  private int rule(Expr body) {
    bodies.add(body);
    return bodies.size() - 1;
  }

  private int split(List<Integer> to) {
    List<Integer> distinct = to.stream().distinct().toList();
    return distinct.size() == 1 ? distinct.getFirst() : node(new Split(distinct));
  }

  private int node(Node node) {
    Integer known = ids.get(node);
    if (known != null) {
      return known;
    }
    ids.put(node, nodes.size());
    return append(node);
  }

  private int reserve() {
    return append(new Split(List.of()));
  }

  private int append(Node node) {
    if (nodes.size() == MAX_NODES) {
      throw new IllegalArgumentException(
          "it is too large: its automaton has more than %,d nodes; ask for fewer or shorter repetitions and alternatives"
              .formatted(MAX_NODES));
    }
    nodes.add(node);
    return nodes.size() - 1;
  }
}
