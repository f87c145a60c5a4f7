package dev.yushan.train;

import dev.yushan.data.DataLoader;
import dev.yushan.data.MicroBatch;
import java.util.List;

/// Training data as the trainer sees it: micro-batches, a pure function of epoch and number.
public interface MicroBatches {
  /// How many an epoch has.
  int perEpoch();

  /// The most tokens that one has.
  int maxTokens();

  /// The most sequences that one has.
  int maxSequences();

  /// Micro-batch `number` (from 0) of epoch `epoch` (from 0).
  MicroBatch get(long epoch, int number);

  /// The micro-batches of a loader.
  static MicroBatches of(DataLoader loader) {
    int[] capacity = loader.capacity();
    return new MicroBatches() {
      @Override
      public int perEpoch() {
        return loader.microBatches();
      }

      @Override
      public int maxTokens() {
        return capacity[0];
      }

      @Override
      public int maxSequences() {
        return capacity[1];
      }

      @Override
      public MicroBatch get(long epoch, int number) {
        return loader.microBatch(epoch, number);
      }
    };
  }

  /// These, the same in every epoch.
  static MicroBatches of(List<MicroBatch> batches) {
    return new MicroBatches() {
      @Override
      public int perEpoch() {
        return batches.size();
      }

      @Override
      public int maxTokens() {
        return batches.stream().mapToInt(batch -> batch.rows().length()).max().orElse(1);
      }

      @Override
      public int maxSequences() {
        return batches.stream().mapToInt(batch -> batch.rows().starts().length - 1).max().orElse(1);
      }

      @Override
      public MicroBatch get(long epoch, int number) {
        return batches.get(number);
      }
    };
  }
}
