package dev.yushan.train;

import dev.yushan.autograd.Ops;
import dev.yushan.model.ModelConfig;
import java.util.Locale;

/// The memory that training takes on the device, computed before any of it is taken.
///
/// @param parameters trained weights
/// @param weights bytes of weights, as much again of gradients
/// @param optimizer bytes of optimizer state
/// @param activations bytes of activations and their gradients at the highest point
/// @param logits bytes of the chunk of logits
public record MemoryForecast(
    long parameters, long weights, long gradients, long optimizer, long activations, long logits) {

  /// The forecast for micro-batches of up to `tokens` tokens.
  ///
  /// @param stateBytes optimizer state of a weight
  public static MemoryForecast of(
      ModelConfig model, int tokens, int stateBytes, boolean checkpointing) {
    long parameters = parameters(model);
    long hidden = model.hiddenSize();
    long query = (long) model.heads() * model.headDim();
    long qkv = query + 2L * model.kvHeads() * model.headDim();
    long layer = 6 * hidden + qkv + query + model.heads() + 3L * model.intermediateSize() + 2;
    // One layer's gradients are alive at a time; with checkpointing also one layer's activations.
    long kept = checkpointing ? model.layers() * hidden + layer : model.layers() * layer;
    long activations = tokens * (kept + layer + 4 * hidden) * Float.BYTES;
    long logits = (long) Math.min(tokens, Ops.LOSS_CHUNK) * model.vocabSize() * Float.BYTES;
    long weights = parameters * Float.BYTES;
    return new MemoryForecast(
        parameters, weights, weights, parameters * stateBytes, activations, logits);
  }

  /// Weights of a decoder of this shape, each once.
  static long parameters(ModelConfig model) {
    long hidden = model.hiddenSize();
    long query = (long) model.heads() * model.headDim();
    long kv = (long) model.kvHeads() * model.headDim();
    long layer = hidden * (2 * query + 2 * kv) + 3 * hidden * model.intermediateSize() + 2 * hidden;
    long embeddings = (model.tiedEmbeddings() ? 1 : 2) * model.vocabSize() * hidden;
    return embeddings + model.layers() * layer + hidden;
  }

  /// All of it in bytes.
  public long total() {
    return weights + gradients + optimizer + activations + logits;
  }

  /// Throws unless it fits into `available` bytes, saying what would help.
  void requireFit(long available, String device) {
    if (total() > available) {
      throw new ConfigException(
          "training needs %s, but %s has %s left; %s: set gradient_checkpointing: true, or lower per_device_train_batch_size or sequence_len, or take a smaller model"
              .formatted(gib(total()), device, gib(available), this));
    }
  }

  /// For example `4.60 GiB weights, …`.
  @Override
  public String toString() {
    return "%s weights, %s gradients, %s optimizer, %s activations, %s logits"
        .formatted(gib(weights), gib(gradients), gib(optimizer), gib(activations), gib(logits));
  }

  static String gib(long bytes) {
    return String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1L << 30));
  }
}
