package dev.yushan.cli;

import dev.yushan.data.prepare.PrepareListener;

/// How a preparation goes: a line on standard error that is written over on a terminal, else one
/// for each phase.
final class ShardLine implements PrepareListener {
  private static final long EVERY_NANOS = 200_000_000;

  private final boolean terminal = Terminal.ERROR.isThere();
  private String phase = "";
  private long shown;

  @Override
  public synchronized void at(String name, long done, long begun) {
    long now = System.nanoTime();
    if (!name.equals(phase)) {
      System.err.print(terminal ? phase.isEmpty() ? "" : "\n" : name + "\n");
      phase = name;
    }
    if (terminal && (done >= begun || now - shown > EVERY_NANOS)) {
      System.err.printf("\r%-14s %,d shards done of %,d begun", name, done, begun);
      shown = now;
    }
  }
}
