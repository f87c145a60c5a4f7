package dev.yushan.data;

/// How rows are handed to training.
///
/// @param batchSize rows of a micro-batch (key `per_device_train_batch_size`)
/// @param shuffle whether each epoch has its own order (key `disable_shuffling` is the opposite)
/// @param seed of the order (key `data_seed`, else `seed`)
public record LoaderConfig(int batchSize, boolean shuffle, long seed) {
  public LoaderConfig {
    if (batchSize < 1) {
      throw new DataException("per_device_train_batch_size: " + batchSize + " is less than one");
    }
  }

  /// In the order of the data, as for evaluation.
  public static LoaderConfig inOrder(int batchSize) {
    return new LoaderConfig(batchSize, false, 0);
  }
}
