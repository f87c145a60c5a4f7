package dev.yushan.data;

/// How rows are handed to training.
///
/// @param batchSize rows of a micro-batch (key `per_device_train_batch_size`)
/// @param shuffle whether each epoch has its own order (key `disable_shuffling` is the opposite)
/// @param seed of the order (key `data_seed`, else `seed`)
/// @param maxRows only so many rows, the first ones, are used (key `max_eval_samples`)
public record LoaderConfig(int batchSize, boolean shuffle, long seed, int maxRows) {
  public LoaderConfig {
    if (batchSize < 1) {
      throw new DataException("per_device_train_batch_size: " + batchSize + " is less than one");
    }
    if (maxRows < 1) {
      throw new DataException("max_eval_samples: " + maxRows + " is less than one");
    }
  }

  /// All rows.
  public LoaderConfig(int batchSize, boolean shuffle, long seed) {
    this(batchSize, shuffle, seed, Integer.MAX_VALUE);
  }

  /// In the order of the data, as for evaluation.
  public static LoaderConfig inOrder(int batchSize) {
    return new LoaderConfig(batchSize, false, 0);
  }

  /// The same, but only the first `rows` rows.
  public LoaderConfig first(int rows) {
    return new LoaderConfig(batchSize, shuffle, seed, rows);
  }
}
