package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.generate.SamplingParams;
import dev.yushan.text.Tokenizer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/// From the fields of a request to [SamplingParams]. What a request leaves out comes from
/// `generation_config.json`, and else from the defaults of vLLM: a draw at temperature 1 from all
/// tokens.
///
/// @param defaults the object of `generation_config.json`
record SamplingFields(Body body, JsonNode defaults, Tokenizer tokenizer) {

  /// The parameters of the `index`-th continuation.
  ///
  /// @param seed of the request, drawn if it names none
  SamplingParams params(int maxTokens, long seed, int index) {
    try {
      SamplingParams params =
          SamplingParams.builder()
              .temperature(number("temperature", 1))
              .topK(Math.max(0, (int) number("top_k", 0)))
              .topP(number("top_p", 1))
              .minP(number("min_p", 0))
              .typicalP(number("typical_p", 1))
              .repetitionPenalty(number("repetition_penalty", 1))
              .presencePenalty(number("presence_penalty", 0))
              .frequencyPenalty(number("frequency_penalty", 0))
              .logitBias(logitBias())
              .allowedTokenIds(allowedTokenIds())
              .badWords(badWords())
              .seed(seed + index)
              .maxTokens(maxTokens)
              .minTokens(body.integer("min_tokens", 0))
              .stop(body.texts("stop"))
              .stopTokenIds(new HashSet<>(body.ids("stop_token_ids")))
              .includeStopStrInOutput(body.flag("include_stop_str_in_output", false))
              .ignoreEos(body.flag("ignore_eos", false))
              .skipSpecialTokens(body.flag("skip_special_tokens", true))
              .build();
      params.requireVocabulary(tokenizer.vocabSize());
      return params;
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest(blamed(e.getMessage()), "%s", e.getMessage());
    }
  }

  long seed() {
    return body.find("seed")
        .or(() -> preset("seed"))
        .map(JsonNode::longValue)
        .orElseGet(() -> ThreadLocalRandom.current().nextLong());
  }

  private double number(String name, double otherwise) {
    return body.find(name).or(() -> preset(name)).map(JsonNode::doubleValue).orElse(otherwise);
  }

  private Optional<JsonNode> preset(String name) {
    return Optional.ofNullable(defaults.get(name)).filter(JsonNode::isNumber);
  }

  private Map<Integer, Double> logitBias() {
    Map<Integer, Double> biases = new HashMap<>();
    body.find("logit_bias")
        .ifPresent(
            object ->
                object
                    .properties()
                    .forEach(e -> biases.put(id(e.getKey()), e.getValue().doubleValue())));
    return biases;
  }

  private Set<Integer> allowedTokenIds() {
    if (body.find("allowed_token_ids").filter(JsonNode::isEmpty).isPresent()) {
      throw new IllegalArgumentException(
          "allowed_token_ids must not be empty; leave it out to allow all");
    }
    return new HashSet<>(body.ids("allowed_token_ids"));
  }

  private static int id(String key) {
    try {
      return Integer.parseInt(key);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "logit_bias must have token ids as keys, got \"%s\"".formatted(key), e);
    }
  }

  private List<int[]> badWords() {
    return body.texts("bad_words").stream()
        .flatMap(word -> SamplingParams.badWordIds(word, tokenizer).stream())
        .toList();
  }

  /// The field that a message of [SamplingParams] begins with, if the request has it.
  private String blamed(String message) {
    String name = message.contains("stop string") ? "stop" : message.split("[ :]", 2)[0];
    return body.has(name) ? name : "";
  }
}
