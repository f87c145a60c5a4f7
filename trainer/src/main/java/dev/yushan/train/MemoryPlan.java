package dev.yushan.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Parameter;
import dev.yushan.backend.Owned;
import dev.yushan.backend.SizingBackend;
import dev.yushan.data.MicroBatch;
import dev.yushan.generate.Generator;
import dev.yushan.model.CausalLM;
import dev.yushan.model.Models;
import dev.yushan.optim.Optimizer;
import dev.yushan.optim.OptimizerConfig;
import dev.yushan.optim.OptimizerProvider;
import dev.yushan.tensor.DType;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/// Lays a training job out on a [SizingBackend]: the very code that will allocate says how much,
/// for any model and optimizer that is installed.
final class MemoryPlan implements AutoCloseable {
  /// What of a job decides its activations.
  ///
  /// @param tokens of the largest micro-batch
  /// @param sequences of the fullest micro-batch
  /// @param lossChunk rows of logits at a time
  /// @param resumed whether a checkpoint is loaded first
  /// @param evaluations what is held out, if it is evaluated
  record Pass(
      int tokens,
      int sequences,
      Keep keep,
      int lossChunk,
      boolean resumed,
      List<Evaluation> evaluations) {}

  private final SizingBackend sizes = new SizingBackend();
  private final Owned open = new Owned();
  private final CausalLM model;
  private final int samplePositions;
  private final HostForecast host;
  private final long parameters;
  private final long weights;
  private final long gradients;
  private final long buffers;
  private final long optimizerState;

  MemoryPlan(
      ObjectNode configJson, OptimizerProvider provider, int samplePositions, HostForecast host) {
    this.model = open.add(Models.allocate(sizes, configJson, DType.F32, true));
    this.samplePositions = samplePositions;
    this.host = host;
    List<Parameter> all = model.parameters();
    parameters = all.stream().mapToLong(p -> p.value().elements()).sum();
    weights = all.stream().mapToLong(p -> p.value().bytes()).sum();
    gradients =
        all.stream()
            .map(Parameter::gradient)
            .flatMap(Optional::stream)
            .mapToLong(g -> g.bytes())
            .sum();
    long modelBytes = sizes.held();
    Optimizer optimizer = open.add(provider.create(sizes, all, OptimizerConfig.defaults()));
    optimizerState = optimizer.state().values().stream().mapToLong(t -> t.bytes()).sum();
    open.add(new Gradients(sizes, all));
    buffers = sizes.held() - weights - gradients - optimizerState;
    if (buffers < 0 || modelBytes < weights + gradients) {
      throw new IllegalStateException("parameters share memory: they cannot be counted");
    }
  }

  /// Bytes that samples of the model take, with a cache of so many positions.
  private long samples() {
    return samplePositions == 0
        ? 0
        : taken(
            () -> {
              Generator generator = new Generator(sizes, model, samplePositions);
              return generator::close;
            });
  }

  /// Bytes of what an optimizer checkpoint holds.
  long optimizerState() {
    return optimizerState;
  }

  long parameters() {
    return parameters;
  }

  /// The forecast for a job whose passes are as `pass` says.
  MemoryForecast forecast(Pass pass) {
    Largest data = new Largest(pass.tokens, pass.sequences);
    long taken = taken(() -> BatchPass.training(sizes, model, data, pass.keep, pass.lossChunk));
    long logits =
        (long) Math.min(pass.tokens, pass.lossChunk) * model.head().value().rows() * Float.BYTES;
    // each evaluation takes its memory while that of training is held, and so do samples
    long evaluation =
        pass.evaluations.stream()
            .mapToLong(
                held -> taken(() -> BatchPass.forward(sizes, model, held.data(), pass.lossChunk)))
            .max()
            .orElse(0);
    return new MemoryForecast(
        parameters,
        weights,
        gradients,
        optimizerState,
        buffers,
        taken - logits,
        logits,
        Math.max(evaluation, samples()),
        pass.resumed ? optimizerState : 0,
        host);
  }

  private long taken(Supplier<AutoCloseable> pass) {
    long before = sizes.held();
    try (Owned made = new Owned()) {
      made.add(pass.get());
      return sizes.held() - before;
    }
  }

  @Override
  public void close() {
    open.close();
  }

  /// Data of which only the largest micro-batch is known.
  private record Largest(int maxTokens, int maxSequences) implements MicroBatches {
    @Override
    public int perEpoch() {
      return 0;
    }

    @Override
    public MicroBatch get(long epoch, int number) {
      throw new UnsupportedOperationException("there are only sizes");
    }
  }
}
