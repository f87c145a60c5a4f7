package dev.yushan.cli;

import dev.yushan.engine.EngineStats;
import java.io.Console;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Locale;
import java.util.function.Supplier;

/// What the engine does now: a line on the terminal that is written over once a second. The cursor
/// goes back to its beginning, so that log lines, which are longer, take its place.
final class EngineLine implements AutoCloseable {
  private static final long EVERY_MILLIS = 1000;
  private static final String CLEAR = "\u001B[K";

  private final Thread thread;

  private EngineLine(Supplier<EngineStats> engine, PrintStream terminal) {
    thread = Thread.ofVirtual().name("engine-line").start(() -> run(engine, terminal));
  }

  /// Begins to write, if standard error is a terminal.
  static EngineLine on(Supplier<EngineStats> engine) {
    Console console = System.console();
    boolean terminal = console != null && console.isTerminal();
    return new EngineLine(
        engine, terminal ? System.err : new PrintStream(OutputStream.nullOutputStream()));
  }

  private static void run(Supplier<EngineStats> engine, PrintStream terminal) {
    EngineStats before = engine.get();
    try {
      while (true) {
        Thread.sleep(EVERY_MILLIS);
        EngineStats now = engine.get();
        terminal.print(words(before, now, EVERY_MILLIS / 1e3) + CLEAR + "\r");
        terminal.flush();
        before = now;
      }
    } catch (InterruptedException e) {
      terminal.print(CLEAR);
    }
  }

  /// The line, from two snapshots.
  ///
  /// @param seconds between them
  static String words(EngineStats before, EngineStats now, double seconds) {
    long queried = now.prefixQueries() - before.prefixQueries();
    long found = now.prefixHits() - before.prefixHits();
    return String.format(
        Locale.ROOT,
        "running %d, waiting %d, %.1f tokens/s, prompts %.1f tokens/s, cache %.0f %% in use, prefix"
            + " hits %s",
        now.running(),
        now.waiting(),
        (now.outputTokens() - before.outputTokens()) / seconds,
        (now.promptTokens() - before.promptTokens()) / seconds,
        100 * now.kvUsage(),
        queried == 0 ? "-" : Math.round(100.0 * found / queried) + " %");
  }

  @Override
  public void close() {
    thread.interrupt();
  }
}
