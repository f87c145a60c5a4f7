package dev.yushan.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Ops;
import dev.yushan.backend.AttentionShape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.BackendOptions;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Kernels;
import dev.yushan.data.MicroBatch;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.ModelConfig;
import dev.yushan.model.Models;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FlopCountTest {
  /// Adds up the operations of the calls that go through it.
  private static final class Meter {
    private final Backend backend;
    private final int[] starts;
    private boolean on;
    private double operations;

    Meter(Backend backend, int[] starts) {
      this.backend = backend;
      this.starts = starts;
    }

    Backend backend() {
      Kernels kernels = proxy(Kernels.class, backend.kernels());
      return (Backend)
          Proxy.newProxyInstance(
              Backend.class.getClassLoader(),
              new Class<?>[] {Backend.class},
              (self, method, arguments) ->
                  switch (method.getName()) {
                    case "kernels" -> kernels;
                    default -> invoke(backend, method, arguments);
                  });
    }

    private <T> T proxy(Class<T> type, T target) {
      return type.cast(
          Proxy.newProxyInstance(
              type.getClassLoader(),
              new Class<?>[] {type},
              (self, method, arguments) -> {
                count(method.getName(), arguments);
                return invoke(target, method, arguments);
              }));
    }

    private static Object invoke(Object target, java.lang.reflect.Method method, Object[] arguments)
        throws Throwable {
      try {
        return method.invoke(target, arguments);
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    }

    private void count(String kernel, Object[] arguments) {
      if (!on) {
        return;
      }
      switch (kernel) {
        case "matmul" -> {
          Tensor a = (Tensor) arguments[3];
          Tensor c = (Tensor) arguments[6];
          operations += 2.0 * c.elements() * (a.elements() / c.rows());
        }
        case "attention" -> operations += 2 * attentionProduct((AttentionShape) arguments[0]);
        case "attentionBackward" ->
            operations += 4 * attentionProduct((AttentionShape) arguments[0]);
        default -> {}
      }
    }

    /// Queries times what they see, one product.
    private double attentionProduct(AttentionShape shape) {
      double pairs = 0;
      for (int s = 0; s + 1 < starts.length; s++) {
        for (int t = starts[s]; t < starts[s + 1]; t++) {
          pairs += t - starts[s] + 1;
        }
      }
      return 2 * pairs * shape.headDim() * shape.heads();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void countsWhatTheKernelsAreAskedFor(boolean checkpointing) {
    TokenBatch.Rows rows =
        TokenBatch.Rows.ofSequences(
            new int[] {1, 2, 3, 4, 5, 6, 7}, new int[] {9, 8, 7}, new int[] {5, 4, 3, 2, 1});
    try (Backend cpu = Backends.open(Optional.of("cpu"), BackendOptions.defaults());
        CausalLM model = Models.load(cpu, Golden.path("tiny-llama-a"), DType.F32, true)) {
      Meter meter = new Meter(cpu, rows.starts());
      try (BatchPass pass =
          BatchPass.training(
              meter.backend(),
              model,
              MicroBatches.of(List.of(new MicroBatch(new int[] {0}, rows, List.of()))),
              checkpointing ? Keep.INPUTS : Keep.PRODUCTS,
              Ops.LOSS_CHUNK)) {
        meter.on = true;
        pass.run(rows);
      }
      FlopCount flops = FlopCount.of(model.config(), checkpointing);
      assertThat(flops.performed(rows.length(), FlopCount.pairs(rows.starts())))
          .isEqualTo(meter.operations);
      double model1 = flops.model(rows.length(), FlopCount.pairs(rows.starts()));
      assertThat(model1)
          .isEqualTo(
              FlopCount.of(model.config(), false)
                  .performed(rows.length(), FlopCount.pairs(rows.starts())));
    }
  }

  @Test
  void longSequencesDoNotOverflow() {
    assertThat(FlopCount.pairs(new int[] {0, 1_000_000})).isEqualTo(500_000_500_000L);
    ModelConfig model = Models.config(Models.configJson(Golden.path("tiny-llama-a")));
    FlopCount flops = FlopCount.of(model, false);
    assertThat(flops.model(1L << 50, 1L << 60)).isPositive().isFinite();
  }
}
