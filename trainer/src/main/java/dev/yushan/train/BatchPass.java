package dev.yushan.train;

import dev.yushan.autograd.Ops;
import dev.yushan.autograd.Tape;
import dev.yushan.backend.Backend;
import dev.yushan.backend.Plan;
import dev.yushan.backend.Workspace;
import dev.yushan.model.CausalLM;
import dev.yushan.model.TokenBatch;
import dev.yushan.tensor.DType;
import dev.yushan.tensor.Shape;
import dev.yushan.tensor.Tensor;

/// One pass over a micro-batch, recorded once and replayed on every one: forward, and in training
/// the backward pass, which adds to the gradients of the model.
///
/// The batch has room for the largest micro-batch of the data, and its live count is on the device.
final class BatchPass implements AutoCloseable {
  private static final long SLAB_BYTES = 1 << 24;
  private static final TokenBatch.Rows NOTHING =
      new TokenBatch.Rows(new int[0], new int[0], new int[] {0}, new int[0]);

  private final Backend backend;
  private final Workspace workspace;
  private final Closing memory = new Closing();
  private TokenBatch batch;
  private Tensor scale;
  private Tensor nll;
  private Plan plan;

  private BatchPass(Backend backend) {
    this.backend = backend;
    this.workspace = memory.add(new Workspace(backend, SLAB_BYTES));
  }

  /// A pass that computes the loss.
  ///
  /// @param lossChunk rows of logits at a time
  static BatchPass forward(Backend backend, CausalLM model, MicroBatches data, int lossChunk) {
    BatchPass pass = new BatchPass(backend);
    return pass.prepare(
        "evaluate",
        data,
        () -> pass.loss(model, Ops.inference(backend, pass.workspace).withLossChunk(lossChunk)));
  }

  /// A pass that computes the loss, and adds `scale` times its gradient to those of the parameters.
  ///
  /// @param lossChunk rows of logits at a time
  static BatchPass training(
      Backend backend, CausalLM model, MicroBatches data, boolean checkpointing, int lossChunk) {
    BatchPass pass = new BatchPass(backend);
    return pass.prepare(
        "train",
        data,
        () -> {
          Tape tape = new Tape(pass.workspace);
          Ops ops = Ops.training(backend, pass.workspace, tape, checkpointing);
          pass.loss(model, ops.withLossChunk(lossChunk));
          tape.backward();
        });
  }

  private void loss(CausalLM model, Ops ops) {
    Tensor hidden = model.hidden(ops, batch);
    ops.crossEntropy(hidden, model.head(), batch.targets(), scale, nll);
  }

  private BatchPass prepare(String name, MicroBatches data, Runnable body) {
    try {
      batch = memory.add(TokenBatch.allocate(backend, data.maxTokens(), data.maxSequences()));
      scale = memory.add(backend.tensor(new float[] {1}, 1));
      Tensor all = memory.add(backend.allocate(DType.F32, Shape.of(data.maxTokens())));
      nll = all.counted(batch.count());
      Workspace.Mark bottom = workspace.mark();
      Runnable whole =
          () -> {
            workspace.release(bottom);
            body.run();
          };
      // A first run on no tokens makes the workspace take its memory, which a recording must not.
      batch.load(backend, NOTHING);
      whole.run();
      plan = memory.add(backend.record(name, whole));
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
    batch.load(backend, rows);
    plan.run();
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

  /// Bytes of activations and their gradients at the highest point.
  long peakBytes() {
    return workspace.peakBytes();
  }

  @Override
  public void close() {
    memory.close();
  }
}
