package dev.yushan.generate;

import dev.yushan.text.Tokenizer;
import dev.yushan.text.Tokenizer.Specials;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// How the next token is chosen, and when the text ends, under the names of transformers and vLLM.
/// Set what differs from the defaults by [#builder()].
///
/// @param temperature 0 takes the most probable token (greedy); otherwise logits are divided by it
/// @param topK only this many of the most probable tokens, ties included; 0 for all
/// @param topP only the most probable tokens that together reach this probability; 1 for all
/// @param minP only tokens at least this share as probable as the most probable; 0 for all
/// @param typicalP only the tokens nearest to the expected information that together reach this
///   probability; 1 for all
/// @param repetitionPenalty logits of tokens in prompt or output are divided (multiplied if
///   negative) by it
/// @param presencePenalty is subtracted from the logits of tokens in the output
/// @param frequencyPenalty is subtracted from a logit for each occurrence of its token in the
///   output
/// @param logitBias is added to the logits of these ids
/// @param allowedTokenIds no others are chosen; empty for all
/// @param badWords sequences of ids that the text never completes; see [#badWordIds]
/// @param seed of the random numbers: the same seed, prompt and weights give the same tokens
/// @param maxTokens at most this many new tokens
/// @param minTokens before so many new tokens nothing ends the text
/// @param stop texts that end the completion
/// @param stopTokenIds ids that end the completion
/// @param includeStopStrInOutput whether what ended the completion is part of it
/// @param ignoreEos goes on after the ids that end a text
/// @param skipSpecialTokens leaves special tokens out of the text
public record SamplingParams(
    double temperature,
    int topK,
    double topP,
    double minP,
    double typicalP,
    double repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Double> logitBias,
    Set<Integer> allowedTokenIds,
    List<int[]> badWords,
    long seed,
    int maxTokens,
    int minTokens,
    List<String> stop,
    Set<Integer> stopTokenIds,
    boolean includeStopStrInOutput,
    boolean ignoreEos,
    boolean skipSpecialTokens) {

  /// Those of vLLM where a request sets nothing: all tokens at temperature 1, at most 16, seed 0.
  public static final SamplingParams DEFAULTS = new Builder().build();

  /// Below it a temperature is 0: logits divided by less would not be finite (as in vLLM).
  private static final double LEAST_TEMPERATURE = 1e-5;

  public SamplingParams {
    require(
        temperature >= 0 && temperature < Double.POSITIVE_INFINITY,
        "temperature",
        temperature,
        "0 (greedy) or more");
    require(topK >= 0, "top_k", topK, "0 (off) or more");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    require(minP >= 0 && minP <= 1, "min_p", minP, "between 0 and 1");
    require(typicalP > 0 && typicalP <= 1, "typical_p", typicalP, "above 0 and at most 1");
    require(
        repetitionPenalty > 0 && repetitionPenalty < Double.POSITIVE_INFINITY,
        "repetition_penalty",
        repetitionPenalty,
        "above 0 and finite");
    requireTwo("presence_penalty", presencePenalty);
    requireTwo("frequency_penalty", frequencyPenalty);
    require(maxTokens >= 0, "max_tokens", maxTokens, "0 or more");
    require(
        minTokens >= 0 && minTokens <= maxTokens,
        "min_tokens",
        minTokens,
        "between 0 and max_tokens = " + maxTokens);
    logitBias = Map.copyOf(logitBias);
    logitBias.forEach(
        (id, bias) ->
            require(Math.abs(bias) <= 100, "logit_bias of " + id, bias, "between -100 and 100"));
    allowedTokenIds = Set.copyOf(allowedTokenIds);
    badWords = badWords.stream().map(int[]::clone).toList();
    stop = List.copyOf(stop);
    stopTokenIds = Set.copyOf(stopTokenIds);
    if (badWords.stream().anyMatch(ids -> ids.length == 0)) {
      throw new IllegalArgumentException("bad_words must not contain a word without tokens");
    }
    if (stop.contains("")) {
      throw new IllegalArgumentException("stop: a stop string must not be empty");
    }
  }

  private static void require(boolean holds, String name, Number value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s must be %s, got %s".formatted(name, expected, value));
    }
  }

  private static void requireTwo(String name, double penalty) {
    require(Math.abs(penalty) <= 2, name, penalty, "between -2 and 2");
  }

  /// Refuses ids that a model does not have.
  ///
  /// @throws IllegalArgumentException naming the key and the id
  public void requireVocabulary(int vocabSize) {
    logitBias.keySet().forEach(id -> requireKnown("logit_bias", id, vocabSize));
    allowedTokenIds.forEach(id -> requireKnown("allowed_token_ids", id, vocabSize));
    stopTokenIds.forEach(id -> requireKnown("stop_token_ids", id, vocabSize));
    for (int[] word : badWords) {
      for (int id : word) {
        requireKnown("bad_words", id, vocabSize);
      }
    }
  }

  private static void requireKnown(String key, int id, int vocabSize) {
    if (id < 0 || id >= vocabSize) {
      throw new IllegalArgumentException(
          "%s has the id %d; the model's ids are 0 to %d".formatted(key, id, vocabSize - 1));
    }
  }

  /// The sequences to ban for a text, at its beginning and after a space: its ids, and those of it
  /// after a space, unless these only have an id for the space before the others. Leading space is
  /// not looked at.
  ///
  /// @throws IllegalArgumentException if there is nothing but space
  public static List<int[]> badWordIds(String word, Tokenizer tokenizer) {
    String bare = word.stripLeading();
    if (bare.isEmpty()) {
      throw new IllegalArgumentException(
          "bad_words must not contain an empty text, got '%s'".formatted(word));
    }
    int[] ids = tokenizer.encode(bare, Specials.PARSE);
    int[] spaced = tokenizer.encode(" " + bare, Specials.PARSE);
    List<int[]> sequences = new ArrayList<>(List.of(ids));
    int from = spaced.length - ids.length;
    if (from < 0 || !Arrays.equals(spaced, from, spaced.length, ids, 0, ids.length)) {
      sequences.add(spaced);
    }
    return sequences;
  }

  /// Whether the most probable token is taken: the temperature is 0, or nearly.
  public boolean isGreedy() {
    return temperature < LEAST_TEMPERATURE;
  }

  /// The most probable token each time.
  public static SamplingParams greedy(int maxTokens) {
    return builder().temperature(0).maxTokens(maxTokens).build();
  }

  /// Draws at a temperature, from all tokens.
  public static SamplingParams random(double temperature, long seed, int maxTokens) {
    return builder().temperature(temperature).seed(seed).maxTokens(maxTokens).build();
  }

  public SamplingParams withStop(String... texts) {
    return toBuilder().stop(List.of(texts)).build();
  }

  /// Begins with the defaults.
  public static Builder builder() {
    return new Builder();
  }

  /// Begins with these.
  public Builder toBuilder() {
    return new Builder()
        .temperature(temperature)
        .topK(topK)
        .topP(topP)
        .minP(minP)
        .typicalP(typicalP)
        .repetitionPenalty(repetitionPenalty)
        .presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty)
        .logitBias(logitBias)
        .allowedTokenIds(allowedTokenIds)
        .badWords(badWords)
        .seed(seed)
        .maxTokens(maxTokens)
        .minTokens(minTokens)
        .stop(stop)
        .stopTokenIds(stopTokenIds)
        .includeStopStrInOutput(includeStopStrInOutput)
        .ignoreEos(ignoreEos)
        .skipSpecialTokens(skipSpecialTokens);
  }

  /// Sets what differs from the defaults. Values are checked by [#build()], in the record's order.
  public static final class Builder {
    private double temperature = 1;
    private int topK;
    private double topP = 1;
    private double minP;
    private double typicalP = 1;
    private double repetitionPenalty = 1;
    private double presencePenalty;
    private double frequencyPenalty;
    private Map<Integer, Double> logitBias = Map.of();
    private Set<Integer> allowedTokenIds = Set.of();
    private List<int[]> badWords = List.of();
    private long seed;
    private int maxTokens = 16;
    private int minTokens;
    private List<String> stop = List.of();
    private Set<Integer> stopTokenIds = Set.of();
    private boolean includeStopStrInOutput;
    private boolean ignoreEos;
    private boolean skipSpecialTokens = true;

    private Builder() {}

    public Builder temperature(double value) {
      temperature = value;
      return this;
    }

    public Builder topK(int value) {
      topK = value;
      return this;
    }

    public Builder topP(double value) {
      topP = value;
      return this;
    }

    public Builder minP(double value) {
      minP = value;
      return this;
    }

    public Builder typicalP(double value) {
      typicalP = value;
      return this;
    }

    public Builder repetitionPenalty(double value) {
      repetitionPenalty = value;
      return this;
    }

    public Builder presencePenalty(double value) {
      presencePenalty = value;
      return this;
    }

    public Builder frequencyPenalty(double value) {
      frequencyPenalty = value;
      return this;
    }

    public Builder logitBias(Map<Integer, Double> value) {
      logitBias = value;
      return this;
    }

    public Builder allowedTokenIds(Set<Integer> value) {
      allowedTokenIds = value;
      return this;
    }

    public Builder badWords(List<int[]> value) {
      badWords = value;
      return this;
    }

    public Builder seed(long value) {
      seed = value;
      return this;
    }

    public Builder maxTokens(int value) {
      maxTokens = value;
      return this;
    }

    public Builder minTokens(int value) {
      minTokens = value;
      return this;
    }

    public Builder stop(List<String> value) {
      stop = value;
      return this;
    }

    public Builder stopTokenIds(Set<Integer> value) {
      stopTokenIds = value;
      return this;
    }

    public Builder includeStopStrInOutput(boolean value) {
      includeStopStrInOutput = value;
      return this;
    }

    public Builder ignoreEos(boolean value) {
      ignoreEos = value;
      return this;
    }

    public Builder skipSpecialTokens(boolean value) {
      skipSpecialTokens = value;
      return this;
    }

    /// The parameters.
    ///
    /// @throws IllegalArgumentException if a value is out of its range, naming its key
    public SamplingParams build() {
      return new SamplingParams(
          temperature,
          topK,
          topP,
          minP,
          typicalP,
          repetitionPenalty,
          presencePenalty,
          frequencyPenalty,
          logitBias,
          allowedTokenIds,
          badWords,
          seed,
          maxTokens,
          minTokens,
          stop,
          stopTokenIds,
          includeStopStrInOutput,
          ignoreEos,
          skipSpecialTokens);
    }
  }
}
