package dev.yushan.engine;

import dev.yushan.generate.SamplingParams;
import dev.yushan.generate.TokenConstraint;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/// A prompt to continue.
///
/// @param id for logs
/// @param prompt ids, at least one
/// @param params how tokens are chosen, and when the text ends
/// @param priority lower ones are served first, equal ones in the order of their arrival
/// @param logprobs how many of the most probable tokens to report beside each chosen one, which is
///   scored too; empty leaves all unscored
/// @param promptLogprobs the same for each token of the prompt
/// @param constraint what the text must look like
/// @param timeout after which it is cancelled
public record EngineRequest(
    String id,
    int[] prompt,
    SamplingParams params,
    int priority,
    OptionalInt logprobs,
    OptionalInt promptLogprobs,
    Optional<TokenConstraint> constraint,
    Optional<Duration> timeout) {

  /// A plain request.
  public static EngineRequest of(String id, int[] prompt, SamplingParams params) {
    return new EngineRequest(
        id,
        prompt,
        params,
        0,
        OptionalInt.empty(),
        OptionalInt.empty(),
        Optional.empty(),
        Optional.empty());
  }
}
