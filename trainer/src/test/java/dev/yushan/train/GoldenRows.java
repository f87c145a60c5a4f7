package dev.yushan.train;

import dev.yushan.data.Document;
import dev.yushan.data.MicroBatch;
import dev.yushan.golden.Golden;
import dev.yushan.model.TokenBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// The rows that a golden run was trained on, in their order, padding taken off.
record GoldenRows(List<TokenBatch.Rows> rows, int batchSize) implements MicroBatches {

  static GoldenRows of(String file, int batchSize) {
    int[] ids = Golden.ints(file, "input_ids");
    int[] labels = Golden.ints(file, "labels");
    int[] lengths = Golden.ints(file, "lengths");
    int width = ids.length / lengths.length;
    List<TokenBatch.Rows> rows = new ArrayList<>();
    for (int r = 0; r < lengths.length; r++) {
      rows.add(row(ids, labels, r * width, lengths[r]));
    }
    return new GoldenRows(rows, batchSize);
  }

  private static TokenBatch.Rows row(int[] ids, int[] labels, int from, int length) {
    int[] tokens = new int[length];
    int[] positions = new int[length];
    int[] targets = new int[length];
    for (int i = 0; i < length; i++) {
      tokens[i] = ids[from + i];
      positions[i] = i;
      targets[i] = i + 1 < length ? labels[from + i + 1] : TokenBatch.NO_TARGET;
    }
    return new TokenBatch.Rows(tokens, positions, new int[] {0, length}, targets);
  }

  @Override
  public int perEpoch() {
    return Math.ceilDiv(rows.size(), batchSize);
  }

  @Override
  public int maxTokens() {
    return batchSize * rows.stream().mapToInt(TokenBatch.Rows::length).max().orElse(0);
  }

  @Override
  public int maxSequences() {
    return batchSize;
  }

  @Override
  public MicroBatch get(long epoch, int number) {
    int from = number * batchSize;
    int end = Math.min(from + batchSize, rows.size());
    List<TokenBatch.Rows> chosen = rows.subList(from, end);
    int total = chosen.stream().mapToInt(TokenBatch.Rows::length).sum();
    int[] tokens = new int[total];
    int[] positions = new int[total];
    int[] targets = new int[total];
    int[] starts = new int[chosen.size() + 1];
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < chosen.size(); i++) {
      TokenBatch.Rows row = chosen.get(i);
      System.arraycopy(row.tokens(), 0, tokens, starts[i], row.length());
      System.arraycopy(row.positions(), 0, positions, starts[i], row.length());
      System.arraycopy(row.targets(), 0, targets, starts[i], row.length());
      starts[i + 1] = starts[i] + row.length();
      documents.add(new Document(Path.of("golden"), "row " + (from + i), 0, row.length()));
    }
    return new MicroBatch(
        IntStream.range(from, end).toArray(),
        new TokenBatch.Rows(tokens, positions, starts, targets),
        documents);
  }
}
