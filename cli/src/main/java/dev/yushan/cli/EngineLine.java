package dev.yushan.cli;

import dev.yushan.engine.EngineStats;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/// What the engine does now, or how far loading has come: a line at the foot of the terminal that
/// is written anew once a second. Whatever else goes to standard error, as the log, is written
/// above it.
final class EngineLine implements AutoCloseable {
  private static final long EVERY_MILLIS = 1000;

  /// To the end of the line.
  private static final String CLEAR = "\u001B[K";

  /// A line longer than the terminal is wide is cut, and not broken.
  private static final String CUT = "\u001B[?7l";

  private static final String BREAK = "\u001B[?7h";

  private final PrintStream terminal;
  private final Supplier<Optional<EngineStats>> engine;
  private final Supplier<String> loading;
  private final Thread thread;
  private boolean shown;

  private EngineLine(
      PrintStream terminal, Supplier<Optional<EngineStats>> engine, Supplier<String> loading) {
    this.terminal = terminal;
    this.engine = engine;
    this.loading = loading;
    this.thread = Thread.ofVirtual().name("engine-line").unstarted(this::run);
  }

  /// Begins to write if standard error is a terminal; otherwise there is nothing to close.
  ///
  /// @param engine empty until there is one
  /// @param loading what to show as long as there is none
  static Optional<EngineLine> on(Supplier<Optional<EngineStats>> engine, Supplier<String> loading) {
    if (!Terminal.ERROR.isThere()) {
      return Optional.empty();
    }
    EngineLine line = new EngineLine(System.err, engine, loading);
    System.setErr(line.above());
    line.thread.start();
    return Optional.of(line);
  }

  /// What others write to in the terminal's place.
  private PrintStream above() {
    FilterOutputStream stream =
        new FilterOutputStream(terminal) {
          @Override
          public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
          }

          @Override
          public void write(byte[] bytes, int from, int count) {
            synchronized (EngineLine.this) {
              clear();
              terminal.write(bytes, from, count);
            }
          }
        };
    return new PrintStream(stream, true, StandardCharsets.UTF_8);
  }

  private void run() {
    Optional<EngineStats> before = Optional.empty();
    try {
      while (true) {
        Optional<EngineStats> now = engine.get();
        if (before.isPresent() && now.isPresent()) {
          show(words(before.get(), now.get(), EVERY_MILLIS / 1e3));
        } else if (now.isEmpty()) {
          show(loading.get());
        }
        before = now;
        Thread.sleep(EVERY_MILLIS);
      }
    } catch (InterruptedException e) {
      synchronized (this) {
        clear();
      }
    }
  }

  /// The cursor goes back to the beginning.
  private synchronized void show(String words) {
    terminal.print(CUT + words + CLEAR + BREAK + "\r");
    terminal.flush();
    shown = true;
  }

  private void clear() {
    if (shown) {
      terminal.print(CLEAR);
      shown = false;
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
        "running %d, waiting %d, %.1f tokens/s, prompts %.1f, cache %s %%, prefix hits %s",
        now.running(),
        now.waiting(),
        (now.outputTokens() - before.outputTokens()) / seconds,
        (now.computedTokens() - before.computedTokens()) / seconds,
        percent(100 * now.kvUsage()),
        queried == 0 ? "-" : Math.round(100.0 * found / queried) + " %");
  }

  /// Small ones with a decimal.
  private static String percent(double value) {
    return String.format(Locale.ROOT, value > 0 && value < 9.95 ? "%.1f" : "%.0f", value);
  }

  /// Gives standard error back.
  @Override
  public void close() {
    thread.interrupt();
    System.setErr(terminal);
  }
}
