package dev.yushan.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendException;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.Plan;
import dev.yushan.backend.Qkv;
import dev.yushan.generate.Generator;
import dev.yushan.generate.SamplingParams;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TornadoBackendTest {
  private static TornadoBackend open() {
    return (TornadoBackend) SharedDevice.open(BackendOptions.defaults());
  }

  @Test
  void anUnknownDeviceIsRefusedWithThoseThereAre() {
    BackendOptions options = new BackendOptions(0, Optional.of("7:9"), Map.of());
    assertThatThrownBy(() -> SharedDevice.open(options))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("no device '7:9'")
        .hasMessageContaining("0:0 ");
  }

  @Test
  void neverFallsBackToJava() {
    try (Backend backend = open()) {
      assertThat(backend.description()).isNotBlank();
      assertThat(System.getProperty("tornado.recover.bailout")).isEqualTo("false");
    }
  }

  @Test
  void headsThatAreTooLongAreRefusedAndTheBackendGoesOn() {
    try (TornadoBackend backend = open()) {
      AttentionShape shape = AttentionShape.of(1, 1, 512);
      Tensor q = backend.allocate(DType.F32, Shape.of(1, 512));
      Tensor out = backend.allocate(DType.F32, Shape.of(1, 512));
      Tensor lse = backend.allocate(DType.F32, Shape.of(1, 1));
      Tensor sequences = backend.tensor(new int[] {0, 1}, 2);
      assertThatThrownBy(
              () -> backend.kernels().attention(shape, new Qkv(q, q, q), sequences, out, lse))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("512")
          .hasMessageContaining("--backend cpu");
      backend.kernels().fill(q, 2);
      assertThat(backend.floats(q)).containsOnly(2);
    }
  }

  @Test
  void aPlanMovesNoTensors() {
    try (TornadoBackend backend = open()) {
      Tensor a = backend.tensor(new float[] {1, 2, 3, 4}, 2, 2);
      Tensor b = backend.allocate(DType.F32, Shape.of(2, 2));
      try (Plan plan =
          backend.record(
              "two products",
              () -> {
                backend.kernels().matmul(Op.N, Op.N, 1, a, a, 0, b);
                backend.kernels().matmul(Op.N, Op.N, 1, b, b, 0, a);
              })) {
        plan.run();
        Device.Traffic before = backend.traffic();
        plan.run();
        plan.run();
        Device.Traffic after = backend.traffic();
        assertThat(after.up()).isEqualTo(before.up());
        assertThat(after.down()).isEqualTo(before.down());
        assertThat(after.launches()).isEqualTo(before.launches() + 4);
      }
    }
  }

  /// Tokens go in, logits come out, and nothing else moves or is allocated.
  @Test
  void decodingMovesTokensAndLogitsAlone() {
    try (TornadoBackend opened = open()) {
      Backend backend = Backends.checked(opened);
      try (CausalLM model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, false);
          Generator generator = new Generator(backend, model, 64)) {
        List<Device.Traffic> steps = new ArrayList<>();
        List<Long> free = new ArrayList<>();
        SamplingParams greedy = SamplingParams.greedy(12).toBuilder().ignoreEos(true).build();
        generator.generate(
            new int[] {1, 5, 9},
            greedy,
            (id, logProbability) -> {
              steps.add(opened.traffic());
              free.add(opened.availableBytes());
              return true;
            });
        assertThat(steps).hasSize(12);
        long vocabulary = model.config().vocabSize();
        for (int i = 3; i < steps.size(); i++) {
          assertThat(steps.get(i).up() - steps.get(i - 1).up()).isBetween(1L, 512L);
          assertThat(steps.get(i).down() - steps.get(i - 1).down())
              .isBetween(1L, 4 * vocabulary + 64);
          assertThat(free.get(i)).isEqualTo(free.get(2));
        }
      }
    }
  }
}
