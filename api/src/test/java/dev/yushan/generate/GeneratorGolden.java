package dev.yushan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.generate.Generator.Generation;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Generation on a backend against the tokens that transformers generates: extend it and say how
/// the backend is opened.
public abstract class GeneratorGolden {
  /// A new backend.
  protected abstract Backend open();

  @ParameterizedTest
  @CsvSource({"a, short", "a, long", "b, short", "b, long"})
  void greedyTokensAndTheirProbabilities(String name, String prompt) {
    String file = name + "_greedy.safetensors";
    int[] wanted = Golden.ints(file, prompt + ".tokens");
    float[] logProbabilities = Golden.floats(file, prompt + ".logprobs");
    SamplingParams greedy =
        SamplingParams.greedy(wanted.length).toBuilder().ignoreEos(true).build();
    try (Backend backend = Backends.checked(open());
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-" + name), DType.F32, false);
        Generator generator = new Generator(backend, model, 140)) {
      model.freeze(backend);
      List<Float> seen = new ArrayList<>();
      Generation generation =
          generator.generate(
              Golden.ints(file, prompt + ".prompt"),
              greedy,
              (id, logProbability) -> seen.add(logProbability));

      assertThat(generation.tokens()).isEqualTo(wanted);
      for (int i = 0; i < wanted.length; i++) {
        assertThat(seen.get(i)).isCloseTo(logProbabilities[i], within(2e-5f));
      }
    }
  }
}
