package dev.yushan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.yushan.golden.Golden;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Distributions against those of `transformers` 5.18.0 with the processors, and in the order, that
/// its `generate()` uses; made by `bench/peers/sampling.py`.
class SamplerOracleTest {
  static Stream<Arguments> cases() throws IOException {
    JsonNode file;
    try (InputStream in = SamplerOracleTest.class.getResourceAsStream("/sampling.json")) {
      file = new ObjectMapper().readTree(in);
    }
    List<Integer> eos = integers(file.get("eos"));
    return StreamSupport.stream(file.get("cases").spliterator(), false)
        .map(made -> Arguments.of(made.get("name").textValue(), made, eos));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void probabilitiesEqualThoseOfTransformers(String name, JsonNode made, List<Integer> eos) {
    float[] logits = Golden.floats("sampling.safetensors", made.get("logits").textValue());
    int[] previous = Golden.ints("sampling.safetensors", "prev_ids");
    int promptLength = previous.length - made.get("generated").intValue();
    TokenHistory history = new TokenHistory(Arrays.copyOf(previous, promptLength));
    for (int i = promptLength; i < previous.length; i++) {
      history.add(previous[i]);
    }

    float[] actual =
        Sampler.probabilities(logits, history, params(made.get("params")), eos, Optional.empty());

    List<Integer> kept = new ArrayList<>();
    for (int id = 0; id < actual.length; id++) {
      if (actual[id] > 0) {
        kept.add(id);
      }
    }
    assertThat(kept).isEqualTo(integers(made.get("ids")));
    for (int i = 0; i < kept.size(); i++) {
      float expected = made.get("probabilities").get(i).floatValue();
      assertThat(actual[kept.get(i)])
          .as("token %d", kept.get(i))
          .isCloseTo(expected, within(1e-6f));
    }
  }

  private static SamplingParams params(JsonNode p) {
    Map<Integer, Double> bias = new HashMap<>();
    for (JsonNode entry : p.path("sequence_bias")) {
      bias.put(entry.at("/0/0").intValue(), entry.get(1).doubleValue());
    }
    List<int[]> words = new ArrayList<>();
    for (JsonNode word : p.path("bad_words_ids")) {
      words.add(integers(word).stream().mapToInt(id -> id).toArray());
    }
    return SamplingParams.builder()
        .temperature(p.path("temperature").asDouble(1))
        .topK(p.path("top_k").asInt(0))
        .topP(p.path("top_p").asDouble(1))
        .minP(p.path("min_p").asDouble(0))
        .typicalP(p.path("typical_p").asDouble(1))
        .repetitionPenalty(p.path("repetition_penalty").asDouble(1))
        .logitBias(bias)
        .badWords(words)
        .minTokens(p.path("min_new_tokens").asInt(0))
        .allowedTokenIds(Set.copyOf(integers(p.path("allowed_token_ids"))))
        .build();
  }

  private static List<Integer> integers(JsonNode array) {
    List<Integer> values = new ArrayList<>();
    array.forEach(value -> values.add(value.intValue()));
    return values;
  }
}
