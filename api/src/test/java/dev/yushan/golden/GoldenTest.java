package dev.yushan.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class GoldenTest {
  @Test
  void readsNumbersThatTheManifestStatesToo() {
    assertThat(Golden.scalar("a_forward.safetensors", "loss"))
        .isCloseTo(Golden.json("manifest.json").at("/a/loss").asDouble(), within(1e-6));
    assertThat(Golden.shape("a_forward.safetensors", "loss")).containsExactly(1);
    assertThat(Golden.floats("a_forward.safetensors", "hidden.0")).hasSize(48 * 64);
  }

  @Test
  void readsIntegers() {
    assertThat(Golden.shape("a_forward.safetensors", "input_ids")).containsExactly(2, 48);
    int[] ids = Golden.ints("a_forward.safetensors", "input_ids");
    assertThat(ids).hasSize(96);
    assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < 512);
    assertThat(Golden.longs("a_forward.safetensors", "labels")).contains(-100);
  }

  @Test
  void widensBf16Shards() {
    String shard = "tiny-llama-b/model-00003-of-00003.safetensors";
    assertThat(Golden.dtype(shard, "lm_head.weight")).isEqualTo("BF16");
    double[] head = Golden.doubles(shard, "lm_head.weight");
    assertThat(head).hasSize(512 * 96);
    assertThat(Arrays.stream(head)).allMatch(w -> w > -1 && w < 1).anyMatch(w -> w != 0);
  }

  @Test
  void anAbsentTensorIsNamedBesideThePresentOnes() {
    assertThatThrownBy(() -> Golden.floats("rope.safetensors", "tan"))
        .hasMessageContaining("tan")
        .hasMessageContaining("inv_freq.tiny_a");
  }

  @Test
  void pointsToDirectories() {
    assertThat(Golden.path("tiny-llama-a")).isDirectoryContaining("glob:**/config.json");
  }
}
