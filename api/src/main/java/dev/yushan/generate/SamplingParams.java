package dev.yushan.generate;

import java.util.List;

/// How the next token is chosen, under the names of transformers and vLLM.
///
/// @param temperature 0 takes the most probable token (greedy); otherwise logits are divided by it
/// @param topK only this many of the most probable tokens, ties included; 0 for all
/// @param topP only the most probable tokens that together reach this probability; 1 for all
/// @param minP only tokens at least this share as probable as the most probable; 0 for all
/// @param repetitionPenalty logits of tokens seen before are divided (multiplied if negative) by it
/// @param seed of the random numbers: the same seed, prompt and weights give the same tokens
/// @param maxTokens at most this many new tokens
/// @param stop texts that end the completion; they are not part of it
/// @param ignoreEos goes on after the ids that end a text
public record SamplingParams(
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    long seed,
    int maxTokens,
    List<String> stop,
    boolean ignoreEos) {

  public SamplingParams {
    require(temperature >= 0, "temperature", temperature, "0 (greedy) or more");
    require(topK >= 0, "top_k", topK, "0 (off) or more");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    require(minP >= 0 && minP <= 1, "min_p", minP, "between 0 and 1");
    require(repetitionPenalty > 0, "repetition_penalty", repetitionPenalty, "above 0");
    require(maxTokens >= 0, "max_tokens", maxTokens, "0 or more");
    stop = List.copyOf(stop);
    if (stop.contains("")) {
      throw new IllegalArgumentException("a stop string must not be empty");
    }
  }

  private static void require(boolean holds, String name, Number value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s must be %s, got %s".formatted(name, expected, value));
    }
  }

  /// The most probable token each time.
  public static SamplingParams greedy(int maxTokens) {
    return new SamplingParams(0, 0, 1, 0, 1, 0, maxTokens, List.of(), false);
  }

  /// Draws at a temperature, from all tokens.
  public static SamplingParams random(double temperature, long seed, int maxTokens) {
    return new SamplingParams(temperature, 0, 1, 0, 1, seed, maxTokens, List.of(), false);
  }

  public SamplingParams withStop(String... texts) {
    return new SamplingParams(
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        seed,
        maxTokens,
        List.of(texts),
        ignoreEos);
  }
}
