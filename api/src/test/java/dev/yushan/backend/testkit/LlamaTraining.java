package dev.yushan.backend.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.golden.Golden;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.model.RecordedPass;
import dev.yushan.model.TokenBatch;
import dev.yushan.optim.AdamWProvider;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// The first steps of the golden training run `main` (a tiny Llama, AdamW, clipping, three
/// micro-batches of four rows a step), by one recorded plan that is replayed for every micro-batch.
final class LlamaTraining implements AutoCloseable {
  private static final String DATA = "train_a.safetensors";
  private static final int STEPS = 10;
  private static final int MICRO_BATCHES = 3;
  private static final int ROWS = 4;

  /// Relative, of losses and gradient norms.
  private static final double TOLERANCE = 1e-5;

  private final int[] ids = Golden.ints(DATA, "input_ids");
  private final int[] labels = Golden.ints(DATA, "labels");
  private final int[] lengths = Golden.ints(DATA, "lengths");
  private final int width = ids.length / lengths.length;
  private final Backend backend;
  private final CausalLM model;
  private final Optimizer optimizer;
  private final TokenBatch batch;
  private final Tensor scale;
  private final Tensor nll;
  private final RecordedPass pass;

  private LlamaTraining(Backend backend) {
    this.backend = backend;
    model = Models.load(backend, Golden.path("tiny-llama-a"), DType.F32, true);
    OptimizerConfig config = new OptimizerConfig(0.9, 0.999, 1e-8, 0.1);
    optimizer = new AdamWProvider().create(backend, model.parameters(), config);
    int capacity = ROWS * width;
    batch = TokenBatch.allocate(backend, capacity, ROWS);
    scale = backend.tensor(new float[] {1}, 1);
    nll = backend.allocate(DType.F32, Shape.of(capacity)).counted(batch.count());
    pass =
        RecordedPass.training(
            "training pass",
            backend,
            batch,
            Keep.PRODUCTS,
            ops ->
                ops.crossEntropy(
                    model.hidden(ops, batch), model.head(), batch.targets(), scale, nll));
  }

  /// Trains on `backend` and compares every step.
  static void run(Backend backend) {
    JsonNode golden = Golden.json("trajectory_main/trajectory.json");
    try (LlamaTraining training = new LlamaTraining(backend)) {
      for (int step = 0; step < STEPS; step++) {
        double loss = training.gradients(step);
        double wanted = golden.get("loss").get(step).asDouble();
        assertThat(loss).as("loss of step %d", step).isCloseTo(wanted, within(TOLERANCE * wanted));
        double norm = training.gradientNorm();
        double wantedNorm = golden.get("grad_norm").get(step).asDouble();
        assertThat(norm)
            .as("gradient norm of step %d", step)
            .isCloseTo(wantedNorm, within(TOLERANCE * wantedNorm));
        double rate = golden.get("learning_rate").get(step).asDouble();
        training.optimizer.step(rate, Math.min(1, 1 / (norm + 1e-6)));
      }
    }
  }

  /// The gradients of one optimizer step; returns its loss.
  private double gradients(int step) {
    gradientTensors().forEach(gradient -> backend.kernels().fill(gradient, 0));
    int first = step * MICRO_BATCHES * ROWS;
    int last = first + MICRO_BATCHES * ROWS;
    int targets =
        IntStream.range(first, last)
            .mapToObj(this::row)
            .mapToInt(TokenBatch.Rows::targetCount)
            .sum();
    backend.upload(new float[] {1f / targets}, scale);
    double sum = 0;
    for (int row = first; row < last; row += ROWS) {
      TokenBatch.Rows rows = rows(row);
      pass.run(rows);
      float[] losses = backend.floats(nll);
      sum += IntStream.range(0, rows.length()).mapToDouble(i -> losses[i]).sum();
    }
    return sum / targets;
  }

  private TokenBatch.Rows row(int index) {
    int from = index * width;
    int length = lengths[index];
    TokenBatch.Rows plain =
        TokenBatch.Rows.ofSequences(Arrays.copyOfRange(ids, from, from + length));
    int[] targets = new int[length];
    for (int i = 0; i < length; i++) {
      targets[i] = i + 1 < length ? labels[from + i + 1] : TokenBatch.NO_TARGET;
    }
    return new TokenBatch.Rows(plain.tokens(), plain.positions(), plain.starts(), targets);
  }

  private TokenBatch.Rows rows(int first) {
    List<TokenBatch.Rows> rows = IntStream.range(first, first + ROWS).mapToObj(this::row).toList();
    int[][] sequences = rows.stream().map(TokenBatch.Rows::tokens).toArray(int[][]::new);
    TokenBatch.Rows joined = TokenBatch.Rows.ofSequences(sequences);
    int[] targets = rows.stream().flatMapToInt(r -> Arrays.stream(r.targets())).toArray();
    return new TokenBatch.Rows(joined.tokens(), joined.positions(), joined.starts(), targets);
  }

  private List<Tensor> gradientTensors() {
    return model.parameters().stream().map(Parameter::gradient).flatMap(Optional::stream).toList();
  }

  private double gradientNorm() {
    double squares = 0;
    try (Tensor one = backend.allocate(DType.F32, Shape.of(1))) {
      for (Tensor gradient : gradientTensors()) {
        backend.kernels().squaredNorm(gradient, one);
        squares += backend.floats(one)[0];
      }
    }
    return Math.sqrt(squares);
  }

  @Override
  public void close() {
    pass.close();
    optimizer.close();
    model.close();
    batch.close();
  }
}
