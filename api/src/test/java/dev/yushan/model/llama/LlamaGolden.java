package dev.yushan.model.llama;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.autograd.Tape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.Workspace;
import dev.yushan.golden.Golden;
import dev.yushan.model.Models;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Llama on a backend against values computed with PyTorch and transformers: extend it and say how
/// the backend is opened.
public abstract class LlamaGolden {
  private static final double TOLERANCE = 1e-5;

  /// A new backend.
  protected abstract Backend open();

  private static double distance(float[] actual, float[] wanted) {
    assertThat(actual).hasSameSizeAs(wanted);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < wanted.length; i++) {
      difference += Math.pow((double) actual[i] - wanted[i], 2);
      norm += Math.pow(wanted[i], 2);
    }
    return Math.sqrt(difference / norm);
  }

  private static int[] row(int[] values, int row, int length) {
    return Arrays.copyOfRange(values, row * length, (row + 1) * length);
  }

  /// The two golden sequences, with targets from their labels.
  static TokenBatch.Rows goldenRows(String model) {
    int[] ids = Golden.ints(model + "_forward.safetensors", "input_ids");
    int[] labels = Golden.ints(model + "_forward.safetensors", "labels");
    TokenBatch.Rows plain =
        TokenBatch.Rows.ofSequences(row(ids, 0, ids.length / 2), row(ids, 1, ids.length / 2));
    int[] targets = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      boolean last = (i + 1) % (ids.length / 2) == 0;
      targets[i] = last ? TokenBatch.NO_TARGET : labels[i + 1];
    }
    return new TokenBatch.Rows(plain.tokens(), plain.positions(), plain.starts(), targets);
  }

  private static float[] logits(Backend backend, Workspace workspace, Tensor hidden, Parameter w) {
    Tensor out = workspace.allocate(DType.F32, Shape.of(hidden.rows(), w.value().rows()));
    backend.kernels().matmul(Op.N, Op.T, 1, hidden, w.value(), 0, out);
    return backend.floats(out);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "b"})
  void logitsAndHiddenStates(String name) {
    try (Backend backend = Backends.checked(open());
        Workspace workspace = new Workspace(backend, 1 << 20);
        LlamaForCausalLM model =
            (LlamaForCausalLM)
                Models.load(backend, Golden.path("tiny-llama-" + name), DType.F32, false)) {
      TokenBatch.Rows rows = goldenRows(name);
      try (TokenBatch batch = TokenBatch.of(backend, rows)) {
        String file = name + "_forward.safetensors";
        Ops ops = Ops.inference(backend, workspace);
        Tensor hidden = model.hidden(ops, batch);
        assertThat(
                distance(
                    logits(backend, workspace, hidden, model.head()),
                    Golden.floats(file, "logits")))
            .isLessThan(TOLERANCE);
        int layers = model.config().layers();
        int half = rows.length() / 2;
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
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "b"})
  void longInput(String name) {
    String file = name + "_forward.safetensors";
    int[] ids = Golden.ints(file, "input_ids_long");
    try (Backend backend = Backends.checked(open());
        Workspace workspace = new Workspace(backend, 1 << 20);
        LlamaForCausalLM model =
            (LlamaForCausalLM)
                Models.load(backend, Golden.path("tiny-llama-" + name), DType.F32, false);
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

  @ParameterizedTest
  @CsvSource({"a, false", "a, true", "b, false", "b, true"})
  void lossAndGradients(String name, boolean checkpointing) {
    try (Backend backend = Backends.checked(open());
        Workspace workspace = new Workspace(backend, 1 << 20);
        LlamaForCausalLM model =
            (LlamaForCausalLM)
                Models.load(backend, Golden.path("tiny-llama-" + name), DType.F32, true)) {
      TokenBatch.Rows rows = goldenRows(name);
      // Room for more than there is: nothing past the live rows may count.
      try (TokenBatch batch = TokenBatch.allocate(backend, rows.length() + 37, 5)) {
        batch.load(backend, rows);
        Tensor scale = backend.tensor(new float[] {1f / rows.targetCount()}, 1);
        Tensor nll = backend.allocate(DType.F32, Shape.of(batch.capacity()));
        Tape tape = new Tape(workspace);
        Ops ops = Ops.training(backend, workspace, tape, checkpointing);
        Tensor hidden = model.hidden(ops, batch);
        ops.crossEntropy(hidden, model.head(), batch.targets(), scale, nll);
        tape.backward();

        float[] losses = Arrays.copyOf(backend.floats(nll), rows.length());
        double loss =
            IntStream.range(0, losses.length).mapToDouble(i -> losses[i]).sum()
                / rows.targetCount();
        double wanted = Golden.floats(name + "_forward.safetensors", "loss")[0];
        assertThat(Math.abs(loss - wanted) / wanted).isLessThan(TOLERANCE);
        for (Parameter parameter : model.parameters()) {
          float[] gradient = backend.floats(parameter.gradient().orElseThrow());
          assertThat(
                  distance(gradient, Golden.floats(name + "_grads.safetensors", parameter.name())))
              .as(parameter.name())
              .isLessThan(TOLERANCE);
        }
        assertThat(model.parameters()).hasSameSizeAs(Golden.names(name + "_grads.safetensors"));
      }
    }
  }

  @Test
  void bothSpellingsOfTheConfigAreOneModel() {
    for (String name : new String[] {"tiny-llama-a", "tiny-llama-b"}) {
      ObjectNode now = Models.configJson(Golden.path(name + "/config.json"));
      ObjectNode before = Models.configJson(Golden.path(name + "/config.v4style.json"));
      assertThat(LlamaConfig.of(before)).isEqualTo(LlamaConfig.of(now));
    }
  }
}
