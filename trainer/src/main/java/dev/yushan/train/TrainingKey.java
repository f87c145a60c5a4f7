package dev.yushan.train;

import java.util.List;

/// A row of [TrainingKeys]: a key of a training configuration and what becomes of it.
///
/// @param name as it is written in the file
/// @param treatment what happens when it is set
/// @param doc what it does; why it does nothing; why it is refused
public record TrainingKey(String name, Treatment treatment, String doc) {
  /// What happens when a key is set.
  public sealed interface Treatment {}

  /// It does what it says.
  ///
  /// @param type the values it takes, in words
  /// @param fallback its value when it is not set; `→ key` for that of another key; empty for none
  public record Honoured(String type, String fallback) implements Treatment {}

  /// It makes no difference to the result here; one notice says why.
  ///
  /// @param silent values for which there is nothing to say
  public record NoEffect(List<String> silent) implements Treatment {}

  /// The result would be another one, so the run is refused.
  ///
  /// @param harmless values that ask for what happens anyway
  public record Refused(List<String> harmless) implements Treatment {}

  /// Another name of a key.
  ///
  /// @param key the name to use
  public record Alias(String key) implements Treatment {}
}
