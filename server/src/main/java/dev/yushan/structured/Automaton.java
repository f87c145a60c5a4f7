package dev.yushan.structured;

import dev.yushan.structured.Program.Accept;
import dev.yushan.structured.Program.Bytes;
import dev.yushan.structured.Program.Call;
import dev.yushan.structured.Program.Return;
import dev.yushan.structured.Program.Split;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// A [Program] made deterministic as it is used. A state is the set of readings of what was
/// written; a reading is a node and the stack of calls it is in. States are kept for the next text,
/// at most [#MAX_STATES] of them; then all are forgotten and made anew when they are needed. Safe
/// for concurrent use.
final class Automaton {
  static final int MAX_STATES = 10_000;

  /// Readings of a text that are followed; further ones are dropped, in the same way each time, and
  /// with them the texts that only they allow. Every reading can be finished, so there is no dead
  /// end.
  static final int MAX_READINGS = 1_000;

  /// Nodes, each with its stack, that are looked at for the readings after one byte. Repetitions
  /// within each other that may all be empty have as many as the product of their counts. At the
  /// limit no further ones are looked at, but where there is no reading yet.
  static final int MAX_VISITS = 50_000;

  private static final Comparator<Reading> ORDER =
      Comparator.comparingInt(Reading::node).thenComparingInt(reading -> reading.stack.hash);

  private final Program program;
  private final Map<List<Reading>, State> states = new ConcurrentHashMap<>();
  private final State dead;

  Automaton(Program program) {
    this.program = program;
    this.dead = new State(List.of());
  }

  State start() {
    return closed(List.of(new Reading(program.start(), Stack.NONE)));
  }

  private record Reading(int node, Stack stack) {}

  /// The nodes to go on with after the rules that were called.
  private static final class Stack {
    static final Stack NONE = new Stack(-1, null);

    private final int next;
    private final Stack below;
    private final int hash;

    Stack(int next, Stack below) {
      this.next = next;
      this.below = below;
      this.hash = below == null ? 0 : 31 * below.hash + next + 1;
    }

    @Override
    public int hashCode() {
      return hash;
    }

    @Override
    public boolean equals(Object other) {
      Stack a = this;
      if (!(other instanceof Stack b)) {
        return false;
      }
      while (a != b) {
        if (a.hash != b.hash || a.next != b.next || a.below == null || b.below == null) {
          return false;
        }
        a = a.below;
        b = b.below;
      }
      return true;
    }
  }

  /// What was written so far.
  final class State {
    private final List<Reading> readings;
    private final State[] next = new State[program.representatives().length];
    private final boolean accepts;

    private State(List<Reading> readings) {
      this.readings = readings;
      this.accepts = readings.stream().anyMatch(r -> program.nodes().get(r.node) instanceof Accept);
    }

    /// After one more byte. States hold nothing that changes, so that a race makes one twice at
    /// worst.
    State next(int b) {
      int c = program.classOf()[b];
      State to = next[c];
      if (to == null) {
        to = step(readings, program.representatives()[c]);
        next[c] = to;
      }
      return to;
    }

    /// Whether the text may end here.
    boolean accepts() {
      return accepts;
    }

    /// Whether nothing that fits begins so.
    boolean isDead() {
      return this == dead;
    }

    /// The fewest bytes until the text may end.
    int remaining() {
      int least = Program.NEVER;
      for (Reading reading : readings) {
        long cost = program.costs()[reading.node];
        for (Stack s = reading.stack; s.below != null; s = s.below) {
          cost += program.costs()[s.next];
        }
        least = (int) Math.min(least, cost);
      }
      return least;
    }
  }

  private State step(List<Reading> readings, int b) {
    List<Reading> to = new ArrayList<>();
    for (Reading reading : readings) {
      int node = program.step(reading.node, b);
      if (node >= 0) {
        to.add(new Reading(node, reading.stack));
      }
    }
    return to.isEmpty() ? dead : closed(to);
  }

  /// Follows all that reads nothing.
  private State closed(List<Reading> from) {
    Closure closure = new Closure();
    from.forEach(closure::visit);
    List<Reading> readings = closure.followed();
    if (readings.isEmpty()) {
      return dead;
    }
    readings.sort(ORDER);
    List<Reading> kept = List.copyOf(readings.subList(0, Math.min(readings.size(), MAX_READINGS)));
    if (states.size() >= MAX_STATES) {
      states.clear();
    }
    return states.computeIfAbsent(kept, State::new);
  }

  private final class Closure {
    private final Deque<Reading> open = new ArrayDeque<>();
    private final Set<Reading> seen = new HashSet<>();
    private final List<Reading> readings = new ArrayList<>();

    List<Reading> followed() {
      while (!open.isEmpty()) {
        follow(open.removeFirst()); // what is near is found first
      }
      return readings;
    }

    private void visit(Reading reading) {
      boolean spent = seen.size() >= MAX_VISITS && !readings.isEmpty();
      if (spent || program.costs()[reading.node] >= Program.NEVER || !seen.add(reading)) {
        return;
      }
      switch (program.nodes().get(reading.node)) {
        case Bytes _, Accept _ -> readings.add(reading);
        default -> open.addLast(reading);
      }
    }

    private void follow(Reading reading) {
      Stack stack = reading.stack;
      switch (program.nodes().get(reading.node)) {
        case Split(List<Integer> to) -> to.forEach(node -> visit(new Reading(node, stack)));
        case Call(int rule, int next) -> {
          if (program.costs()[next] < Program.NEVER) {
            // nothing is left to do after the last call of a rule: the stack stays as it is
            boolean last = program.nodes().get(next) instanceof Return;
            Stack in = last ? stack : new Stack(next, stack);
            visit(new Reading(program.entries()[rule], in));
          }
        }
        case Return() -> visit(new Reading(stack.next, stack.below));
        case Bytes _, Accept _ -> throw new IllegalStateException("it reads, and is not followed");
      }
    }
  }
}
