package dev.yushan.train;

/// The loss on a held-out dataset.
///
/// @param name the dataset
/// @param loss mean negative log-likelihood over all targets, natural log
/// @param lossHf mean over rows of the mean of each row's batch, which is what `transformers`
///   reports as `eval_loss`: batches count by their rows, however many targets they have
/// @param rows rows evaluated
/// @param batches batches they were in
/// @param targets tokens predicted
/// @param seconds time taken
public record EvalResult(
    String name, double loss, double lossHf, int rows, int batches, long targets, double seconds) {
  /// e to the loss.
  public double perplexity() {
    return Math.exp(loss);
  }
}
