package dev.yushan.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.testkit.ReferenceBackend;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScorerTest {
  @Test
  void lossesAreTheGoldenOnesHoweverTheyAreBatched() {
    int[] ids = Golden.ints("a_forward.safetensors", "input_ids_long");
    float[] wanted = Golden.floats("a_forward.safetensors", "nll_long");
    int[] start = Arrays.copyOf(ids, 20);
    int[] single = {7};
    try (Backend backend = Backends.checked(ReferenceBackend.float32());
        CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, false);
        Scorer small = new Scorer(backend, model, 8);
        Scorer large = new Scorer(backend, model, 512)) {
      List<int[]> sequences = List.of(start, new int[0], ids, single, start);
      List<float[]> losses = large.score(sequences);
      assertThat(losses.get(2)).hasSize(199).containsExactly(wanted, within(2e-5f));
      assertThat(losses.get(0)).hasSize(19).isEqualTo(Arrays.copyOf(losses.get(2), 19));
      assertThat(losses.get(1)).isEmpty();
      assertThat(losses.get(3)).isEmpty();
      assertThat(losses.get(4)).isEqualTo(losses.get(0));
      List<float[]> again = small.score(sequences);
      for (int i = 0; i < losses.size(); i++) {
        assertThat(again.get(i)).isEqualTo(losses.get(i));
      }
      assertThat(small.score(List.of())).isEmpty();

      assertThatThrownBy(() -> large.score(List.of(new int[] {1, 512})))
          .hasMessageContaining("the id 512 is outside of the model's vocabulary of 512");
      assertThatThrownBy(() -> large.score(List.of(new int[513])))
          .hasMessageContaining("max_position_embeddings = 512");
    }
  }
}
