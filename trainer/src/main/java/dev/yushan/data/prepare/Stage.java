package dev.yushan.data.prepare;

/// One thing that is done to every document. Pure and safe on any thread: what it makes of a
/// document depends on that document and its own settings alone.
@FunctionalInterface
public interface Stage {
  /// What becomes of `document`.
  Outcome apply(CorpusRecord document);
}
