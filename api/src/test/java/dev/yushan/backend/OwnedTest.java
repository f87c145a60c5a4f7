package dev.yushan.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.generate.Generator;
import dev.yushan.generate.Scorer;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.optim.OptimizerProvider;
import dev.yushan.plugin.Plugins;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class OwnedTest {
  private interface Construction {
    AutoCloseable on(Backend backend, CausalLM model);
  }

  private static Arguments making(String what, Construction construction) {
    return Arguments.of(what, construction);
  }

  static Stream<Arguments> constructions() {
    ObjectNode json = Models.configJson(Golden.path("tiny-llama-a"));
    return Stream.of(
        making("model", (backend, model) -> Models.allocate(backend, json, DType.F32, true)),
        making("generator", (backend, model) -> new Generator(backend, model, 32)),
        making("scorer", (backend, model) -> new Scorer(backend, model, 32)),
        making(
            "optimizer",
            (backend, model) ->
                Plugins.load(OptimizerProvider.class, "optimizer")
                    .named("adamw_torch")
                    .create(backend, model.parameters(), OptimizerConfig.defaults())));
  }

  /// Wherever the memory of a device ends, what was taken by then is given back.
  @ParameterizedTest(name = "{0}")
  @MethodSource("constructions")
  void whatFailsHalfWayKeepsNothing(String what, Construction construction) throws Exception {
    SizingBackend sizes = new SizingBackend();
    Limited limited = new Limited(sizes);
    try (CausalLM model =
        Models.allocate(sizes, Models.configJson(Golden.path("tiny-llama-a")), DType.F32, true)) {
      long before = sizes.held();
      limited.left = Integer.MAX_VALUE;
      construction.on(limited, model).close();
      assertThat(sizes.held()).isEqualTo(before);
      int allocations = Integer.MAX_VALUE - limited.left;
      assertThat(allocations).isGreaterThan(4);
      for (int n = 0; n < allocations; n++) {
        limited.left = n;
        assertThatThrownBy(() -> construction.on(limited, model))
            .isInstanceOf(BackendException.class);
        assertThat(sizes.held()).as("held after %d allocations", n).isEqualTo(before);
      }
    }
  }

  /// Gives out memory so many times.
  private static final class Limited extends ForwardingBackend {
    private int left;

    Limited(Backend backend) {
      super(backend);
    }

    @Override
    public Storage allocate(long bytes) {
      if (left == 0) {
        throw new BackendException("nothing is left");
      }
      left--;
      return super.allocate(bytes);
    }
  }

  @Test
  void whatFailsToCloseIsNotInTheWayOfTheRest() {
    List<String> closed = new ArrayList<>();
    IllegalArgumentException stuck = new IllegalArgumentException("stuck");
    Owned owned = new Owned();
    owned.add(() -> closed.add("first"));
    owned.add(
        () -> {
          throw stuck;
        });
    owned.add(() -> closed.add("last"));
    assertThatThrownBy(owned::close)
        .hasCause(stuck)
        .hasMessage("cannot release: java.lang.IllegalArgumentException: stuck");
    assertThat(closed).containsExactly("last", "first");
    owned.close();
  }
}
