package dev.yushan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SamplingParamsTest {
  private static Arguments refused(UnaryOperator<SamplingParams.Builder> set, String message) {
    return Arguments.of(set, message);
  }

  static Stream<Arguments> wrong() {
    return Stream.of(
        refused(b -> b.temperature(-1), "temperature must be 0 (greedy) or more, got -1.0"),
        refused(b -> b.temperature(Double.NaN), "temperature must be 0 (greedy) or more, got NaN"),
        refused(
            b -> b.temperature(Double.POSITIVE_INFINITY),
            "temperature must be 0 (greedy) or more, got Infinity"),
        refused(b -> b.topK(-1), "top_k must be 0 (off) or more, got -1"),
        refused(b -> b.topP(0), "top_p must be above 0 and at most 1, got 0.0"),
        refused(b -> b.topP(1.1), "top_p must be above 0 and at most 1, got 1.1"),
        refused(b -> b.minP(-0.1), "min_p must be between 0 and 1, got -0.1"),
        refused(b -> b.typicalP(0), "typical_p must be above 0 and at most 1, got 0.0"),
        refused(
            b -> b.repetitionPenalty(0), "repetition_penalty must be above 0 and finite, got 0.0"),
        refused(b -> b.presencePenalty(2.5), "presence_penalty must be between -2 and 2, got 2.5"),
        refused(
            b -> b.frequencyPenalty(-3), "frequency_penalty must be between -2 and 2, got -3.0"),
        refused(
            b -> b.frequencyPenalty(Double.NaN),
            "frequency_penalty must be between -2 and 2, got NaN"),
        refused(
            b -> b.logitBias(Map.of(7, 101.0)),
            "logit_bias of 7 must be between -100 and 100, got 101.0"),
        refused(b -> b.maxTokens(-1), "max_tokens must be 0 or more, got -1"),
        refused(b -> b.minTokens(17), "min_tokens must be between 0 and max_tokens = 16, got 17"),
        refused(b -> b.minTokens(-1), "min_tokens must be between 0 and max_tokens = 16, got -1"),
        refused(
            b -> b.badWords(List.of(new int[0])),
            "bad_words must not contain a word without tokens"),
        refused(b -> b.stop(List.of("")), "stop: a stop string must not be empty"));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("wrong")
  void valuesOutOfRangeAreNamed(UnaryOperator<SamplingParams.Builder> set, String message) {
    assertThatThrownBy(() -> set.apply(SamplingParams.builder()).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void unknownIdsAreNamed() {
    SamplingParams params =
        SamplingParams.builder()
            .logitBias(Map.of(3, 1.0))
            .allowedTokenIds(Set.of(2))
            .stopTokenIds(Set.of(1))
            .badWords(List.of(new int[] {0, 3}))
            .build();
    params.requireVocabulary(4);
    assertThatThrownBy(() -> params.requireVocabulary(3))
        .hasMessage("logit_bias has the id 3; the model's ids are 0 to 2");
    SamplingParams words = params.toBuilder().logitBias(Map.of()).build();
    assertThatThrownBy(() -> words.requireVocabulary(3)).hasMessageContaining("bad_words");
    assertThatThrownBy(() -> words.requireVocabulary(2)).hasMessageContaining("allowed_token_ids");
    assertThatThrownBy(
            () -> SamplingParams.builder().stopTokenIds(Set.of(-1)).build().requireVocabulary(9))
        .hasMessageContaining("stop_token_ids has the id -1");
  }

  @Test
  void aBuilderKeepsWhatItDoesNotSet() {
    SamplingParams params =
        SamplingParams.builder()
            .temperature(0.1)
            .topK(2)
            .topP(0.3)
            .minP(0.4)
            .typicalP(0.5)
            .repetitionPenalty(0.6)
            .presencePenalty(0.7)
            .frequencyPenalty(0.8)
            .logitBias(Map.of(9, 1.0))
            .allowedTokenIds(Set.of(10))
            .badWords(List.of(new int[] {11}))
            .seed(12)
            .maxTokens(13)
            .minTokens(11)
            .stop(List.of("15"))
            .stopTokenIds(Set.of(16))
            .includeStopStrInOutput(true)
            .ignoreEos(true)
            .skipSpecialTokens(false)
            .build();
    SamplingParams same = params.toBuilder().build();
    assertThat(same).usingRecursiveComparison().isEqualTo(params);
    assertThat(params.withStop("x"))
        .usingRecursiveComparison()
        .ignoringFields("stop")
        .isEqualTo(params);
    assertThat(params.withStop("x").stop()).containsExactly("x");
    // every component differs from its default
    assertThat(SamplingParams.DEFAULTS.toString().split(", "))
        .doesNotContain(params.toString().split(", "));
    assertThat(SamplingParams.greedy(7))
        .usingRecursiveComparison()
        .isEqualTo(SamplingParams.DEFAULTS.toBuilder().temperature(0).maxTokens(7).build());
    assertThat(SamplingParams.random(0.5, 3, 7))
        .usingRecursiveComparison()
        .isEqualTo(
            SamplingParams.DEFAULTS.toBuilder().temperature(0.5).seed(3).maxTokens(7).build());
  }

  @Test
  void aVerySmallTemperatureIsGreedy() {
    assertThat(SamplingParams.random(1e-6, 0, 1).isGreedy()).isTrue();
    assertThat(SamplingParams.random(1e-4, 0, 1).isGreedy()).isFalse();
  }
}
