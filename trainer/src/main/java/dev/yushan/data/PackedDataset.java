package dev.yushan.data;

import dev.yushan.model.TokenBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// The rows that a dataset is trained on. Rows are made when asked for, out of the mapped shards;
/// on the heap are at most 12 bytes a document and 4 bytes a row.
///
/// Safe for concurrent use as long as the dataset is open.
public final class PackedDataset {
  private final TokenizedDataset dataset;
  private final Layout layout;
  private final TokenLedger ledger;

  /// Which documents a row is made of.
  private sealed interface Layout {
    int rows();

    int length(int row);
  }

  /// Whole documents, each a segment: row r holds `documents[rowStart[r] … rowStart[r + 1] - 1]`.
  private record Whole(TokenizedDataset dataset, int[] rowStart, int[] documents)
      implements Layout {
    @Override
    public int rows() {
      return rowStart.length - 1;
    }

    @Override
    public int length(int row) {
      int length = 0;
      for (int i = rowStart[row]; i < rowStart[row + 1]; i++) {
        length += dataset.length(documents[i]);
      }
      return length;
    }
  }

  /// Blocks of one stream; document d begins at `documentStart[d]`, `[documents + 1]`.
  private record Blocks(long[] documentStart, int sequenceLen) implements Layout {
    private long tokens() {
      return documentStart[documentStart.length - 1];
    }

    @Override
    public int rows() {
      long rows = Math.ceilDiv(tokens(), (long) sequenceLen);
      if (rows > Integer.MAX_VALUE - 16) {
        throw new DataException(
            "sequence_len: %d makes %,d rows, more than 2^31: raise it"
                .formatted(sequenceLen, rows));
      }
      return (int) rows;
    }

    @Override
    public int length(int row) {
      return (int) Math.min(sequenceLen, tokens() - (long) row * sequenceLen);
    }

    private int firstDocument(int row) {
      int found = Arrays.binarySearch(documentStart, (long) row * sequenceLen);
      return found >= 0 ? found : -found - 2;
    }
  }

  private PackedDataset(TokenizedDataset dataset, Layout layout, PackingConfig config) {
    this.dataset = dataset;
    this.layout = layout;
    ledger =
        new TokenLedger(dataset.read(), dataset.selected(), dataset.excess(), count(config))
            .check();
  }

  /// Lays the documents of `dataset` into rows.
  ///
  /// @param cutoffLen the limit that `dataset` was opened with
  /// @throws DataException for `best_fit`, if documents may be longer than a row
  public static PackedDataset of(TokenizedDataset dataset, int cutoffLen, PackingConfig config) {
    Layout layout =
        switch (config.packing()) {
          case BEST_FIT -> bestFit(dataset, cutoffLen, config.sequenceLen());
          case CONCAT -> new Blocks(documentStarts(dataset), config.sequenceLen());
          case NONE ->
              new Whole(
                  dataset,
                  IntStream.rangeClosed(0, dataset.documents()).toArray(),
                  IntStream.range(0, dataset.documents()).toArray());
        };
    return new PackedDataset(dataset, layout, config);
  }

  private static Layout bestFit(TokenizedDataset dataset, int cutoffLen, int sequenceLen) {
    int[] lengths = IntStream.range(0, dataset.documents()).map(dataset::length).toArray();
    if (cutoffLen > sequenceLen) {
      long[] tooLong = Arrays.stream(lengths).filter(l -> l > sequenceLen).asLongStream().toArray();
      throw new DataException(
          ("packing: best_fit keeps documents whole, but cutoff_len (%,d) is more than sequence_len"
                  + " (%,d): %,d documents with %,d tokens would not fit into a row; lower"
                  + " cutoff_len, raise sequence_len, or set packing: concat")
              .formatted(cutoffLen, sequenceLen, tooLong.length, Arrays.stream(tooLong).sum()));
    }
    BestFit.Rows rows = BestFit.pack(lengths, sequenceLen);
    return new Whole(dataset, rows.rowStart(), rows.documents());
  }

  private static long[] documentStarts(TokenizedDataset dataset) {
    long[] starts = new long[dataset.documents() + 1];
    for (int d = 0; d < dataset.documents(); d++) {
      starts[d + 1] = starts[d] + dataset.length(d);
    }
    return starts;
  }

  /// The number of rows.
  public int rows() {
    return layout.rows();
  }

  /// Bytes on the heap.
  public long indexBytes() {
    return switch (layout) {
      case Whole whole -> 4L * (whole.rowStart().length + whole.documents().length);
      case Blocks blocks -> 8L * blocks.documentStart().length;
    };
  }

  /// Tokens of row `row`.
  public int length(int row) {
    return layout.length(row);
  }

  /// Parts of row `row` that do not see each other.
  public int segments(int row) {
    return layout instanceof Whole whole ? whole.rowStart()[row + 1] - whole.rowStart()[row] : 1;
  }

  /// Where every document and token went.
  public TokenLedger ledger() {
    return ledger;
  }

  /// Row `row`, 0 … `rows() - 1`.
  public PackedRow row(int row) {
    return switch (layout) {
      case Whole whole -> row(whole, row);
      case Blocks blocks -> row(blocks, row);
    };
  }

  private PackedRow row(Whole whole, int row) {
    int[] documents =
        Arrays.copyOfRange(whole.documents(), whole.rowStart()[row], whole.rowStart()[row + 1]);
    int[] tokens = new int[whole.length(row)];
    int[] labels = new int[tokens.length];
    int[] starts = new int[documents.length + 1];
    List<Document> origins = new ArrayList<>();
    for (int s = 0; s < documents.length; s++) {
      int length = dataset.length(documents[s]);
      dataset.copy(documents[s], 0, length, tokens, labels, starts[s]);
      starts[s + 1] = starts[s] + length;
      origins.add(dataset.document(documents[s]));
    }
    return row(tokens, labels, starts, origins);
  }

  private PackedRow row(Blocks blocks, int row) {
    int[] tokens = new int[blocks.length(row)];
    int[] labels = new int[tokens.length];
    long start = (long) row * blocks.sequenceLen();
    List<Document> origins = new ArrayList<>();
    int filled = 0;
    for (int d = blocks.firstDocument(row); filled < tokens.length; d++) {
      int from = (int) (start + filled - blocks.documentStart()[d]);
      int n = Math.min(dataset.length(d) - from, tokens.length - filled);
      dataset.copy(d, from, n, tokens, labels, filled);
      filled += n;
      origins.add(dataset.document(d).part(from, n));
    }
    int[] starts = {0, tokens.length};
    return row(tokens, labels, starts, origins);
  }

  private static PackedRow row(int[] tokens, int[] labels, int[] starts, List<Document> documents) {
    return new PackedRow(
        new TokenBatch.Rows(tokens, positions(starts), starts, targets(labels, starts)), documents);
  }

  private static int[] positions(int[] starts) {
    int[] positions = new int[starts[starts.length - 1]];
    for (int s = 0; s + 1 < starts.length; s++) {
      for (int t = starts[s]; t < starts[s + 1]; t++) {
        positions[t] = t - starts[s];
      }
    }
    return positions;
  }

  /// The label of the next token of the segment; nothing for its last token.
  private static int[] targets(int[] labels, int[] starts) {
    int[] targets = new int[labels.length];
    for (int s = 0; s + 1 < starts.length; s++) {
      int last = starts[s + 1] - 1;
      System.arraycopy(labels, starts[s] + 1, targets, starts[s], last - starts[s]);
      targets[last] = TokenBatch.NO_TARGET;
    }
    return targets;
  }

  /// Counts what is in the rows. Only rows with labels are read: of the others the lengths say all.
  private PackCounts count(PackingConfig config) {
    long documents = 0;
    long tokens = 0;
    long lastTokens = 0;
    long ignored = 0;
    long targets = 0;
    for (int row = 0; row < rows(); row++) {
      int length = length(row);
      int segments = segments(row);
      documents += begun(row);
      tokens += length;
      lastTokens += segments;
      if (hasLabels(row)) {
        long real = Arrays.stream(row(row).rows().targets()).filter(t -> t >= 0).count();
        targets += real;
        ignored += length - segments - real;
      } else {
        targets += length - segments;
      }
    }
    return new PackCounts(
        config.packing(),
        config.sequenceLen(),
        rows(),
        documents,
        tokens,
        0,
        lastTokens,
        ignored,
        targets);
  }

  /// Documents that begin in row `row`.
  private long begun(int row) {
    return switch (layout) {
      case Whole whole -> whole.rowStart()[row + 1] - whole.rowStart()[row];
      case Blocks blocks -> {
        int first = blocks.firstDocument(row);
        long start = (long) row * blocks.sequenceLen();
        int begins = blocks.documentStart()[first] == start ? first : first + 1;
        int end = Arrays.binarySearch(blocks.documentStart(), start + blocks.length(row));
        yield (end >= 0 ? end : -end - 1) - begins;
      }
    };
  }

  private boolean hasLabels(int row) {
    return switch (layout) {
      case Whole whole ->
          IntStream.range(whole.rowStart()[row], whole.rowStart()[row + 1])
              .anyMatch(i -> dataset.hasLabels(whole.documents()[i]));
      case Blocks blocks -> {
        long end = (long) row * blocks.sequenceLen() + blocks.length(row);
        for (int d = blocks.firstDocument(row);
            d < dataset.documents() && blocks.documentStart()[d] < end;
            d++) {
          if (dataset.hasLabels(d)) {
            yield true;
          }
        }
        yield false;
      }
    };
  }
}
