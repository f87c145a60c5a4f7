package dev.yushan.train;

import dev.yushan.autograd.Ops;
import dev.yushan.backend.Backend;
import dev.yushan.data.MicroBatch;
import dev.yushan.model.CausalLM;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/// A held-out dataset and how it is evaluated. Takes its memory for the time of one evaluation.
///
/// @param name what to call it in results
public record Evaluation(String name, MicroBatches data) {

  /// The loss of `model` on the dataset.
  public EvalResult run(Backend backend, CausalLM model) {
    return run(backend, model, Ops.LOSS_CHUNK, () -> false).orElseThrow();
  }

  /// The loss of `model` on the dataset; empty if `stop`, asked before each batch, gave it up.
  ///
  /// @param lossChunk rows of logits at a time
  Optional<EvalResult> run(Backend backend, CausalLM model, int lossChunk, BooleanSupplier stop) {
    long begin = System.nanoTime();
    double nll = 0;
    long targets = 0;
    double weightedMeans = 0;
    int rows = 0;
    try (BatchPass pass = BatchPass.forward(backend, model, data, lossChunk)) {
      for (int i = 0; i < data.perEpoch(); i++) {
        if (stop.getAsBoolean()) {
          return Optional.empty();
        }
        MicroBatch batch = data.get(0, i);
        int batchTargets = batch.rows().targetCount();
        int batchRows = batch.rowNumbers().length;
        double batchNll = BatchPass.sum(pass.run(batch.rows()));
        nll += batchNll;
        targets += batchTargets;
        weightedMeans += batchTargets == 0 ? 0 : batchRows * (batchNll / batchTargets);
        rows += batchRows;
      }
    }
    double seconds = (System.nanoTime() - begin) * 1e-9;
    return Optional.of(
        new EvalResult(
            name, nll / targets, weightedMeans / rows, rows, data.perEpoch(), targets, seconds));
  }
}
