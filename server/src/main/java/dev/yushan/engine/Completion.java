package dev.yushan.engine;

import java.util.Optional;

/// How a request ended.
///
/// @param stop the stop string or the id (as `Integer`) that ended it, if one did; none for EOS
/// @param error what went wrong, where `reason` is FAILED or UNMET, or why it was CANCELLED if the
///   caller did not do so
/// @param cachedTokens tokens of the prompt that were found computed
public record Completion(
    Reason reason,
    Optional<Object> stop,
    Optional<String> error,
    int promptTokens,
    int cachedTokens,
    int outputTokens,
    Timings timings) {

  /// Why a text ends.
  public enum Reason {
    /// An id that ends a text, a stop string, or a constraint that allows nothing more.
    STOP,
    /// As many tokens as were asked for, or the end of the context.
    LENGTH,
    /// The caller cancelled it, or its time was up.
    CANCELLED,
    /// What it asked for left no token to choose.
    UNMET,
    /// The model gave no numbers, or the engine stopped.
    FAILED
  }

  /// In nanoseconds of [System#nanoTime()].
  ///
  /// @param arrived when it was submitted
  /// @param scheduled when the first of it was computed
  /// @param firstToken when the first token was chosen
  /// @param ended when the last was
  /// @param preemptions how often it had to make room
  public record Timings(
      long arrived, long scheduled, long firstToken, long ended, int preemptions) {}
}
