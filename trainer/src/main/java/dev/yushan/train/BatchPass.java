package dev.yushan.train;

import dev.yushan.autograd.Keep;
import dev.yushan.autograd.Ops;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Owned;
import dev.yushan.backend.Workspace;
import dev.yushan.model.CausalLM;
import dev.yushan.model.RecordedPass;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;
import java.util.function.Supplier;

/// One pass over a micro-batch, recorded once and replayed on every one: forward, and in training
/// the backward pass, which adds to the gradients of the model.
///
/// The batch has room for the largest micro-batch of the data, and its live count is on the device.
final class BatchPass implements AutoCloseable {
  private static final long SLAB_BYTES = 1 << 24;

  private final Backend backend;
  private final Owned memory = new Owned();
  private TokenBatch batch;
  private Tensor scale;
  private Tensor nll;
  private RecordedPass pass;

  private BatchPass(Backend backend) {
    this.backend = backend;
  }

  /// A pass that computes the loss.
  ///
  /// @param lossChunk rows of logits at a time
  static BatchPass forward(Backend backend, CausalLM model, MicroBatches data, int lossChunk) {
    BatchPass made = new BatchPass(backend);
    return made.prepare(
        data,
        () ->
            RecordedPass.forward(
                "evaluate",
                backend,
                made.memory.add(new Workspace(backend, SLAB_BYTES)),
                made.batch,
                ops -> made.loss(model, ops.withLossChunk(lossChunk))));
  }

  /// A pass that computes the loss, and adds `scale` times its gradient to those of the parameters.
  ///
  /// @param keep what each block keeps for the backward pass
  /// @param lossChunk rows of logits at a time
  static BatchPass training(
      Backend backend, CausalLM model, MicroBatches data, Keep keep, int lossChunk) {
    BatchPass made = new BatchPass(backend);
    return made.prepare(
        data,
        () ->
            RecordedPass.training(
                "train",
                backend,
                made.batch,
                keep,
                ops -> made.loss(model, ops.withLossChunk(lossChunk))));
  }

  private void loss(CausalLM model, Ops ops) {
    Tensor hidden = model.hidden(ops, batch);
    ops.crossEntropy(hidden, model.head(), batch.targets(), scale, nll);
  }

  private BatchPass prepare(MicroBatches data, Supplier<RecordedPass> record) {
    try {
      batch = memory.add(TokenBatch.allocate(backend, data.maxTokens(), data.maxSequences()));
      scale = memory.add(backend.tensor(new float[] {1}, 1));
      Tensor all = memory.add(backend.allocate(DType.F32, Shape.of(data.maxTokens())));
      nll = all.counted(batch.count());
      pass = memory.add(record.get());
      return this;
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /// The factor on the loss whose gradient is taken.
  void scale(double factor) {
    backend.upload(new float[] {(float) factor}, scale);
  }

  /// Runs the pass on `rows`; returns the negative log-likelihood of the target of each token, 0
  /// where there is none.
  float[] run(TokenBatch.Rows rows) {
    pass.run(rows);
    return backend.floats(nll.rows(0, rows.length()));
  }

  /// Their sum.
  static double sum(float[] nll) {
    double sum = 0;
    for (float value : nll) {
      sum += value;
    }
    return sum;
  }

  @Override
  public void close() {
    memory.close();
  }
}
