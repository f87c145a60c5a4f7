package dev.yushan.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.generate.SamplingParams;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/// From the fields of a request to [SamplingParams]. What a request leaves out comes from
/// `generation_config.json`, and else from the defaults of vLLM: a draw at temperature 1 from all
/// tokens.
///
/// @param defaults the object of `generation_config.json`
record SamplingFields(Body body, JsonNode defaults) {
  /// What the sampler cannot do yet, with the value that changes nothing.
  private static final List<String> PENDING =
      List.of(
          "frequency_penalty",
          "presence_penalty",
          "logit_bias",
          "typical_p",
          "stop_token_ids",
          "min_tokens",
          "allowed_token_ids",
          "bad_words");

  /// The parameters of the `index`-th continuation.
  ///
  /// @param seed of the request, drawn if it names none
  SamplingParams params(int maxTokens, long seed, int index) {
    for (String name : PENDING) {
      if (body.find(name).filter(SamplingFields::changesSomething).isPresent()) {
        throw ApiException.badRequest(name, "`%s` is not supported", name);
      }
    }
    try {
      return new SamplingParams(
          number("temperature", 1),
          Math.max(0, (int) number("top_k", 0)),
          number("top_p", 1),
          number("min_p", 0),
          number("repetition_penalty", 1),
          seed + index,
          maxTokens,
          body.texts("stop"),
          body.flag("ignore_eos", false));
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest(blamed(e.getMessage()), e.getMessage());
    }
  }

  long seed() {
    return body.find("seed")
        .map(JsonNode::longValue)
        .orElseGet(() -> ThreadLocalRandom.current().nextLong());
  }

  private double number(String name, double otherwise) {
    return body.find(name)
        .or(() -> Optional.ofNullable(defaults.get(name)).filter(JsonNode::isNumber))
        .map(JsonNode::doubleValue)
        .orElse(otherwise);
  }

  private static boolean changesSomething(JsonNode value) {
    return value.isContainerNode() ? !value.isEmpty() : value.doubleValue() != 0;
  }

  /// The field that a message of [SamplingParams] speaks of.
  private static String blamed(String message) {
    return message.contains("stop string") ? "stop" : message.split(" ", 2)[0];
  }
}
