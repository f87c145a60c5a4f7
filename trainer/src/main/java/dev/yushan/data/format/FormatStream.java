package dev.yushan.data.format;

import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// Formats a text that comes piece by piece, and holds no more of it than rules across lines need:
/// a line, and that blank ones were before it. One text, one thread.
public final class FormatStream {
  /// Rounds after which a line is taken as it is. Three do, in all texts that were tried.
  private static final int ROUNDS = 16;

  private final Rule[] everywhere;
  private final Rule[] inText;
  private final boolean lineEnds;
  private final boolean joinLines;
  private final boolean blankLines;
  private final Consumer<Change> changes;

  private final StringBuilder out = new StringBuilder();
  private Line line;
  private Line waiting;
  private boolean isWaiting;
  private int waitingColumns;
  private Optional<Fence> fence = Optional.empty();
  private int number;
  private boolean begun;
  private boolean blank;
  private boolean ended = true;

  FormatStream(Set<Rule> on, boolean traced, Consumer<Change> changes) {
    everywhere = Rule.EVERYWHERE.stream().filter(on::contains).toArray(Rule[]::new);
    inText = Rule.IN_TEXT.stream().filter(on::contains).toArray(Rule[]::new);
    lineEnds = on.contains(Rule.LINE_ENDS);
    joinLines = on.contains(Rule.JOIN_LINES);
    blankLines = on.contains(Rule.BLANK_LINES);
    this.changes = changes;
    line = new Line(traced);
    waiting = new Line(traced);
  }

  /// Takes whole lines; only the last of the text may be without its end.
  public void add(String lines) {
    int from = 0;
    while (from < lines.length()) {
      int to = from;
      while (to < lines.length() && !endsLine(lines.charAt(to))) {
        to++;
      }
      number++;
      line.set(lines, from, to, number);
      int next = to;
      ended = to < lines.length();
      if (ended) {
        next = to + (lines.startsWith("\r\n", to) && lineEnds ? 2 : 1);
        String end = lines.substring(to, next);
        if (!end.equals("\n")) {
          changes.accept(new Change(Rule.LINE_ENDS.id(), number, to - from + 1, end, "\n"));
        }
      }
      process();
      from = next;
    }
  }

  private boolean endsLine(char c) {
    return c == '\n'
        || (lineEnds
            && (c == '\r'
                || c == '\u000B'
                || c == '\f'
                || c == '\u0085'
                || c == '\u2028'
                || c == '\u2029'));
  }

  /// Says that the text is complete.
  public void end() {
    flush();
    if (!ended && !blank && !out.isEmpty()) {
      out.setLength(out.length() - 1);
    }
  }

  /// Hands over what is done: whole lines, until the text is complete.
  public String take() {
    String done = out.toString();
    out.setLength(0);
    return done;
  }

  private void process() {
    for (Rule rule : everywhere) {
      rule.apply(line, changes);
    }
    if (fence.isPresent()) {
      if (fence.get().isClosedBy(line)) {
        fence = Optional.empty();
      }
      write(line);
      return;
    }
    format(line);
    fence = Fence.openedBy(line);
    if (line.length() == 0 && blankLines) {
      flush();
      dropBlank();
    } else if (!joinLines || fence.isPresent() || line.length() == 0) {
      flush();
      write(line);
    } else {
      joinOrWait();
    }
  }

  /// Until nothing changes, so that to format again changes nothing.
  private void format(Line line) {
    boolean changed = true;
    for (int round = 0; changed && round < ROUNDS; round++) {
      changed = false;
      for (Rule rule : inText) {
        changed |= rule.apply(line, changes);
      }
    }
  }

  private void joinOrWait() {
    int columns = line.columns();
    if (isWaiting
        && (Wrapping.isFull(waitingColumns) || Wrapping.isFull(waiting.columns()))
        && Wrapping.goesOn(waiting, line)) {
      boolean space = Wrapping.needsSpace(waiting, line);
      changes.accept(waiting.change(Rule.JOIN_LINES, waiting.length(), "\n", space ? " " : ""));
      waiting.join(space, line, line.indent());
      format(waiting);
    } else {
      flush();
      Line free = waiting;
      waiting = line;
      line = free;
      isWaiting = true;
    }
    waitingColumns = columns;
  }

  private void flush() {
    if (isWaiting) {
      isWaiting = false;
      write(waiting);
    }
  }

  private void dropBlank() {
    if (blank || !begun) {
      changes.accept(new Change(Rule.BLANK_LINES.id(), number, 1, "\n", ""));
    }
    blank = true;
  }

  private void write(Line line) {
    if (blank && begun) {
      out.append('\n');
    }
    blank = false;
    begun = true;
    line.appendTo(out);
    out.append('\n');
  }
}
