package dev.yushan.data.prepare;

/// Hears how a preparation goes.
@FunctionalInterface
public interface PrepareListener {
  /// `done` of `begun` pieces of work of `phase` are done; more may come. Called by several
  /// threads.
  void at(String phase, long done, long begun);
}
