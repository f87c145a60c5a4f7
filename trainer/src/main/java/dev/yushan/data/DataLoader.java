package dev.yushan.data;

import dev.yushan.model.TokenBatch;
import dev.yushan.random.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Micro-batches of a packed dataset, as a pure function of (seed, epoch, number): nothing is to be
/// saved for a resume. An epoch has every row once; its last micro-batch may be short.
///
/// Safe for concurrent use as long as the dataset is open.
public final class DataLoader {
  /// The random stream of epoch 0; epoch e has the e-th after it.
  static final long ORDER_STREAM = 0x6F72646572L << 24;

  private final PackedDataset dataset;
  private final LoaderConfig config;
  private volatile Epoch current = new Epoch(-1, new int[0]);

  /// The rows of an epoch in the order they are trained on.
  private record Epoch(long number, int[] order) {}

  /// Batches of `dataset`.
  public DataLoader(PackedDataset dataset, LoaderConfig config) {
    this.dataset = dataset;
    this.config = config;
  }

  /// Rows of an epoch.
  public int rows() {
    return Math.min(config.maxRows(), dataset.rows());
  }

  /// Micro-batches of an epoch.
  public int microBatches() {
    return Math.ceilDiv(rows(), config.batchSize());
  }

  /// The most tokens that a micro-batch has, and the most sequences: capacities for a batch that is
  /// allocated once. `{tokens, sequences}`.
  public int[] capacity() {
    int[] longest = largest(IntStream.range(0, rows()).map(dataset::length).toArray());
    int[] most = largest(IntStream.range(0, rows()).map(dataset::segments).toArray());
    return new int[] {IntStream.of(longest).sum(), IntStream.of(most).sum()};
  }

  private int[] largest(int[] sizes) {
    Arrays.sort(sizes);
    int n = Math.min(config.batchSize(), sizes.length);
    return Arrays.copyOfRange(sizes, sizes.length - n, sizes.length);
  }

  /// Micro-batch `number` (from 0) of epoch `epoch` (from 0).
  public MicroBatch microBatch(long epoch, int number) {
    if (epoch < 0 || number < 0 || number >= microBatches()) {
      throw new IllegalArgumentException(
          "there is no micro-batch %d of epoch %d: an epoch has %d"
              .formatted(number, epoch, microBatches()));
    }
    int from = number * config.batchSize();
    int n = Math.min(config.batchSize(), rows() - from);
    int[] order = order(epoch);
    return join(IntStream.range(from, from + n).map(i -> order[i]).toArray());
  }

  private int[] order(long epoch) {
    Epoch known = current;
    if (known.number() != epoch) {
      int rows = rows();
      known =
          new Epoch(
              epoch,
              config.shuffle()
                  ? CounterRandom.permutation(config.seed(), ORDER_STREAM + epoch, rows)
                  : IntStream.range(0, rows).toArray());
      current = known;
    }
    return known.order();
  }

  private MicroBatch join(int[] rowNumbers) {
    List<PackedRow> rows = IntStream.of(rowNumbers).mapToObj(dataset::row).toList();
    int tokens = rows.stream().mapToInt(r -> r.rows().length()).sum();
    int segments = rows.stream().mapToInt(r -> r.rows().starts().length - 1).sum();
    TokenBatch.Rows all =
        new TokenBatch.Rows(
            new int[tokens], new int[tokens], starts(rows, segments), new int[tokens]);
    List<Document> documents = new ArrayList<>();
    int at = 0;
    for (PackedRow row : rows) {
      int n = row.rows().length();
      System.arraycopy(row.rows().tokens(), 0, all.tokens(), at, n);
      System.arraycopy(row.rows().positions(), 0, all.positions(), at, n);
      System.arraycopy(row.rows().targets(), 0, all.targets(), at, n);
      documents.addAll(row.documents());
      at += n;
    }
    return new MicroBatch(rowNumbers, all, documents);
  }

  private static int[] starts(List<PackedRow> rows, int segments) {
    int[] starts = new int[segments + 1];
    int s = 0;
    int at = 0;
    for (PackedRow row : rows) {
      int[] own = row.rows().starts();
      for (int i = 1; i < own.length; i++) {
        starts[++s] = at + own[i];
      }
      at += own[own.length - 1];
    }
    return starts;
  }
}
