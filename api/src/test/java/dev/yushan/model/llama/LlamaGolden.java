package dev.yushan.model.llama;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Ops;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Workspace;
import dev.yushan.golden.Golden;
import dev.yushan.model.ModelGolden;
import dev.yushan.model.Models;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Llama on a backend against values computed with PyTorch and transformers: extend it and say how
/// the backend is opened.
public abstract class LlamaGolden extends ModelGolden {
  @Override
  protected List<Values> values() {
    return Stream.of("a", "b")
        .map(name -> new Values(Golden.path("tiny-llama-" + name), name))
        .toList();
  }

  private static LlamaForCausalLM load(Backend backend, Path directory) {
    return (LlamaForCausalLM) Models.load(backend, directory, DType.F32, false);
  }

  @ParameterizedTest
  @MethodSource("values")
  void hiddenStates(Values values) {
    String file = values.file("forward");
    try (Backend backend = Backends.checked(open());
        Workspace workspace = new Workspace(backend, 1 << 20);
        LlamaForCausalLM model = load(backend, values.model());
        TokenBatch batch = TokenBatch.of(backend, rows(values))) {
      Ops ops = Ops.inference(backend, workspace);
      Tensor hidden = model.hidden(ops, batch);
      int layers = model.config().layers();
      int half = batch.capacity() / 2;
      Tensor x = ops.embedding(batch.tokens(), model.parameters().getFirst());
      for (int i = 0; i < layers; i++) {
        assertThat(distance(backend.floats(x.rows(0, half)), Golden.floats(file, "hidden." + i)))
            .as("hidden %d", i)
            .isLessThan(TOLERANCE);
        LlamaLayer layer = model.layers().get(i);
        x = ops.block(x, (o, in) -> layer.forward(o, in, batch, model.cosSin()));
      }
      assertThat(
              distance(
                  backend.floats(hidden.rows(0, half)), Golden.floats(file, "hidden." + layers)))
          .isLessThan(TOLERANCE);
    }
  }

  @ParameterizedTest
  @MethodSource("values")
  void longInput(Values values) {
    String file = values.file("forward");
    int[] ids = Golden.ints(file, "input_ids_long");
    try (Backend backend = Backends.checked(open());
        Workspace workspace = new Workspace(backend, 1 << 20);
        LlamaForCausalLM model = load(backend, values.model());
        TokenBatch batch = TokenBatch.of(backend, TokenBatch.Rows.ofSequences(ids))) {
      Tensor hidden = model.hidden(Ops.inference(backend, workspace), batch);
      Tensor nll = backend.allocate(DType.F32, Shape.of(ids.length));
      Tensor one = backend.tensor(new float[] {1}, 1);
      Ops.inference(backend, workspace)
          .crossEntropy(hidden, model.head(), batch.targets(), one, nll);
      assertThat(
              distance(
                  Arrays.copyOf(backend.floats(nll), ids.length - 1),
                  Golden.floats(file, "nll_long")))
          .isLessThan(TOLERANCE);
      float[] last =
          logits(backend, workspace, hidden.rows(ids.length - 1, ids.length), model.head());
      assertThat(distance(last, Golden.floats(file, "logits_long_last"))).isLessThan(TOLERANCE);
    }
  }

  @Test
  void bothSpellingsOfTheConfigAreOneModel() {
    for (Values values : values()) {
      ObjectNode now = Models.configJson(values.model().resolve("config.json"));
      ObjectNode before = Models.configJson(values.model().resolve("config.v4style.json"));
      assertThat(LlamaConfig.of(before)).isEqualTo(LlamaConfig.of(now));
    }
  }
}
