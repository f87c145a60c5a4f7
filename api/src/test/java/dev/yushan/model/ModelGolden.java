package dev.yushan.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Parameter;
import dev.yushan.autograd.Tape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Backends;
import dev.yushan.backend.Kernels.Op;
import dev.yushan.backend.Workspace;
import dev.yushan.generate.Generator;
import dev.yushan.generate.SamplingParams;
import dev.yushan.golden.Golden;
import dev.yushan.io.SafetensorsDirectory;
import dev.yushan.io.StoredTensor;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A model on a backend against values computed with PyTorch and transformers: extend it, and say
/// how the backend is opened and where models and values are.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ModelGolden {
  /// How far from the values the results may be: the norm of the difference over the norm.
  protected static final double TOLERANCE = 1e-5;

  /// A model, and what is wanted of it:
  ///
  /// - `…_forward.safetensors`: `input_ids` and `labels` of two sequences `[2, L]`, some labels
  ///   −100; their `logits` and `loss`;
  /// - `…_grads.safetensors`: the gradient of that loss with respect to every weight;
  /// - `…_greedy.safetensors`: `short.prompt`, the `short.tokens` that follow it, and their
  ///   `short.logprobs`; the same for `long`.
  ///
  /// @param model its directory
  /// @param prefix what stands for `…`, beginning with an absolute path where the files are not
  ///   those of [Golden]
  public record Values(Path model, String prefix) {
    /// The file of `forward`, `grads` or `greedy`.
    public String file(String kind) {
      return prefix + "_" + kind + ".safetensors";
    }

    @Override
    public String toString() {
      return model.getFileName().toString();
    }
  }

  /// A new backend.
  protected abstract Backend open();

  /// The models.
  protected abstract List<Values> values();

  protected static double distance(float[] actual, float[] wanted) {
    assertThat(actual).hasSameSizeAs(wanted);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < wanted.length; i++) {
      difference += Math.pow((double) actual[i] - wanted[i], 2);
      norm += Math.pow(wanted[i], 2);
    }
    return Math.sqrt(difference / norm);
  }

  /// The two golden sequences, with targets from their labels.
  protected static TokenBatch.Rows rows(Values values) {
    int[] ids = Golden.ints(values.file("forward"), "input_ids");
    int[] labels = Golden.ints(values.file("forward"), "labels");
    int half = ids.length / 2;
    TokenBatch.Rows plain =
        TokenBatch.Rows.ofSequences(
            Arrays.copyOf(ids, half), Arrays.copyOfRange(ids, half, ids.length));
    int[] targets = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      targets[i] = (i + 1) % half == 0 ? TokenBatch.NO_TARGET : labels[i + 1];
    }
    return new TokenBatch.Rows(plain.tokens(), plain.positions(), plain.starts(), targets);
  }

  protected static float[] logits(
      Backend backend, Workspace workspace, Tensor hidden, Parameter w) {
    Tensor out = workspace.allocate(DType.F32, Shape.of(hidden.rows(), w.value().rows()));
    backend.kernels().matmul(Op.N, Op.T, 1, hidden, w.value(), 0, out);
    return backend.floats(out);
  }

  @ParameterizedTest
  @MethodSource("values")
  void logits(Values values) {
    try (Backend backend = Backends.checked(open());
        Workspace workspace = new Workspace(backend, 1 << 20);
        CausalLM model = Models.load(backend, values.model(), DType.F32, false);
        TokenBatch batch = TokenBatch.of(backend, rows(values))) {
      Tensor hidden = model.hidden(Ops.inference(backend, workspace), batch);
      float[] logits = logits(backend, workspace, hidden, model.head());
      assertThat(distance(logits, Golden.floats(values.file("forward"), "logits")))
          .isLessThan(TOLERANCE);
    }
  }

  @ParameterizedTest
  @MethodSource("values")
  void lossAndGradients(Values values) {
    lossAndGradients(values, Keep.PRODUCTS);
  }

  @ParameterizedTest
  @MethodSource("values")
  void lossAndGradientsWithCheckpointing(Values values) {
    lossAndGradients(values, Keep.INPUTS);
  }

  private void lossAndGradients(Values values, Keep keep) {
    try (Backend backend = Backends.checked(open());
        Workspace workspace = new Workspace(backend, 1 << 20);
        CausalLM model = Models.load(backend, values.model(), DType.F32, true)) {
      TokenBatch.Rows rows = rows(values);
      // Room for more than there is: nothing past the live rows may count.
      try (TokenBatch batch = TokenBatch.allocate(backend, rows.length() + 37, 5)) {
        batch.load(backend, rows);
        Tensor scale = backend.tensor(new float[] {1f / rows.targetCount()}, 1);
        Tensor nll = backend.allocate(DType.F32, Shape.of(batch.capacity()));
        Tape tape = new Tape(backend, workspace, keep);
        Ops ops = Ops.training(backend, tape);
        Tensor hidden = model.hidden(ops, batch);
        ops.crossEntropy(hidden, model.head(), batch.targets(), scale, nll);
        tape.backward();

        float[] losses = Arrays.copyOf(backend.floats(nll), rows.length());
        double loss =
            IntStream.range(0, losses.length).mapToDouble(i -> losses[i]).sum()
                / rows.targetCount();
        double wanted = Golden.scalar(values.file("forward"), "loss");
        assertThat(Math.abs(loss - wanted) / wanted).isLessThan(TOLERANCE);
        String file = values.file("grads");
        for (Parameter parameter : model.parameters()) {
          float[] gradient = backend.floats(parameter.gradient().orElseThrow());
          assertThat(distance(gradient, Golden.floats(file, parameter.name())))
              .as(parameter.name())
              .isLessThan(TOLERANCE);
        }
        assertThat(model.parameters()).hasSameSizeAs(Golden.names(file));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("values")
  void greedyTokensAndTheirProbabilities(Values values) {
    try (Backend backend = Backends.checked(open());
        CausalLM model = Models.load(backend, values.model(), DType.F32, false)) {
      model.freeze(backend);
      for (String prompt : List.of("short", "long")) {
        greedy(backend, model, values.file("greedy"), prompt);
      }
    }
  }

  private static void greedy(Backend backend, CausalLM model, String file, String name) {
    int[] prompt = Golden.ints(file, name + ".prompt");
    int[] wanted = Golden.ints(file, name + ".tokens");
    float[] logProbabilities = Golden.floats(file, name + ".logprobs");
    SamplingParams greedy =
        SamplingParams.greedy(wanted.length).toBuilder().ignoreEos(true).build();
    try (Generator generator = new Generator(backend, model, prompt.length + wanted.length)) {
      List<Float> seen = new ArrayList<>();
      Generator.Generation generation =
          generator.generate(
              prompt, greedy, (id, probability) -> seen.add((float) probability.getAsDouble()));
      assertThat(generation.tokens()).as(name).isEqualTo(wanted);
      for (int i = 0; i < wanted.length; i++) {
        assertThat(seen.get(i)).as(name).isCloseTo(logProbabilities[i], within(2e-5f));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("values")
  void whatIsSavedIsWhatWasLoaded(Values values, @TempDir Path saved) {
    try (Backend backend = Backends.checked(open());
        CausalLM model = Models.load(backend, values.model(), DType.F32, false)) {
      DType dtype = Models.dtype(values.model());
      Models.save(backend, model, Models.configJson(values.model()), saved, dtype, Long.MAX_VALUE);
    }
    assertThat(Models.configJson(saved)).isEqualTo(Models.configJson(values.model()));
    try (SafetensorsDirectory before = SafetensorsDirectory.open(values.model());
        SafetensorsDirectory after = SafetensorsDirectory.open(saved)) {
      assertThat(after.tensors()).hasSameSizeAs(before.tensors());
      for (StoredTensor tensor : before.tensors()) {
        assertThat(after.tensor(tensor.name()).header()).isEqualTo(tensor.header());
        assertThat(after.tensor(tensor.name()).data().mismatch(tensor.data()))
            .as(tensor.name())
            .isEqualTo(-1);
      }
    }
  }
}
