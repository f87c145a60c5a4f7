package dev.yushan.cli.bench;

import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Kernels;
import dev.yushan.backend.Plan;
import dev.yushan.model.CausalLM;
import dev.yushan.model.RecordedPass;
import dev.yushan.model.TokenBatch;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.optim.OptimizerProvider;
import dev.yushan.plugin.Plugins;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/// A training step of all parameters: forward, backward, the norm of the gradients, AdamW. Always
/// on the same tokens.
final class TrainingStep implements AutoCloseable {
  private static final double LEARNING_RATE = 1e-5;
  private static final double CLIP_NORM = 1;

  private final Backend backend;
  private final CausalLM model;
  private final Optimizer optimizer;
  private final TokenBatch batch;
  private final Tensor scale;
  private final Tensor nll;
  private final Tensor squaredNorms;
  private final TokenBatch.Rows rows;
  private final RecordedPass pass;
  private final Plan zero;
  private final Plan norms;

  /// @param sequences in a step
  /// @param length of each
  /// @param keep what each block keeps for the backward pass
  /// @param chunk rows of logits at a time
  TrainingStep(Backend backend, BenchModel shape, int sequences, int length, Keep keep, int chunk) {
    this.backend = backend;
    int[][] texts = new int[sequences][];
    int[] tokens = shape.tokens(sequences * length, 1);
    for (int i = 0; i < sequences; i++) {
      texts[i] = Arrays.copyOfRange(tokens, i * length, (i + 1) * length);
    }
    rows = TokenBatch.Rows.ofSequences(texts);
    model = shape.create(backend, DType.F32, true);
    optimizer =
        Plugins.load(OptimizerProvider.class, "optimizer")
            .named("adamw_torch")
            .create(backend, model.parameters(), OptimizerConfig.defaults());
    batch = TokenBatch.allocate(backend, rows.length(), sequences);
    scale = backend.tensor(new float[] {1f / rows.targetCount()}, 1);
    nll = backend.allocate(DType.F32, Shape.of(rows.length()));
    List<Tensor> gradients =
        model.parameters().stream().map(Parameter::gradient).flatMap(Optional::stream).toList();
    squaredNorms = backend.allocate(DType.F32, Shape.of(gradients.size()));
    pass =
        RecordedPass.training(
            "bench",
            backend,
            batch,
            keep,
            ops ->
                ops.withLossChunk(chunk)
                    .crossEntropy(
                        model.hidden(ops, batch),
                        model.head(),
                        batch.targets(),
                        scale,
                        nll.counted(batch.count())));
    Kernels kernels = backend.kernels();
    zero = backend.record("zero", () -> gradients.forEach(g -> kernels.fill(g, 0)));
    norms =
        backend.record(
            "norms",
            () ->
                IntStream.range(0, gradients.size())
                    .forEach(
                        i -> kernels.squaredNorm(gradients.get(i), squaredNorms.rows(i, i + 1L))));
  }

  /// Takes the step.
  void run() {
    zero.run();
    pass.run(rows);
    norms.run();
    double norm = 0;
    for (float square : backend.floats(squaredNorms)) {
      norm += square;
    }
    norm = Math.sqrt(norm);
    if (!Double.isFinite(norm) || norm == 0) {
      throw new IllegalStateException(
          "the %s backend computed gradients of norm %s; it is not to be measured but repaired"
              .formatted(backend.name(), norm));
    }
    optimizer.step(LEARNING_RATE, Math.min(1, CLIP_NORM / norm));
    backend.floats(scale); // waits for what is queued
  }

  @Override
  public void close() {
    zero.close();
    norms.close();
    pass.close();
    batch.close();
    List.of(scale, nll, squaredNorms).forEach(Tensor::close);
    optimizer.close();
    model.close();
  }
}
