package dev.yushan.engine;

import java.util.List;

/// Learns what becomes of a request. Called on the engine's thread, which waits: hand on what takes
/// time.
public interface EngineListener {
  /// The prompt was computed; called if its scores were asked for.
  ///
  /// @param scores of every token but the first, of which there is none
  default void prompt(List<TokenScore> scores) {}

  /// A token was chosen.
  ///
  /// @param text what became certain of the text with it: whole characters, nothing that may still
  ///   become a stop string; often empty
  void token(TokenScore token, String text);

  /// The last call.
  ///
  /// @param text the rest of the text
  void finished(Completion completion, String text);
}
