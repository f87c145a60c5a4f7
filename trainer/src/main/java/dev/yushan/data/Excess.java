package dev.yushan.data;

import java.util.List;
import java.util.function.IntUnaryOperator;

/// The length limit: which documents, or pieces of documents, of a row of shards are used.
final class Excess {
  private Excess() {}

  /// Used documents: first token (counted over all shards) and tokens, of each.
  record Result(long[] starts, int[] lengths, ExcessCounts counts) {}

  /// Names a document: shard, document in it, first token in that, tokens.
  @FunctionalInterface
  interface Namer {
    Document name(int shard, int document, long from, int length);
  }

  /// @param copies how often each document is used, counted over all shards; 0 where it is left out
  ///   already
  static Result apply(
      List<Shard> shards, IntUnaryOperator copies, TokenizeConfig config, Namer namer) {
    long used = 0;
    int number = 0;
    for (Shard shard : shards) {
      for (int d = 0; d < shard.documents(); d++) {
        used += copies.applyAsInt(number++) * pieces(length(shard, d), config);
      }
    }
    if (used > Integer.MAX_VALUE - 16) {
      throw new DataException("dataset: " + used + " documents are more than 2^31: use fewer");
    }
    Index index = new Index(config, (int) used);
    number = 0;
    long shardStart = 0;
    for (Shard shard : shards) {
      for (int d = 0; d < shard.documents(); d++) {
        for (int copy = copies.applyAsInt(number++); copy > 0; copy--) {
          index.add(shardStart + shard.offset(d), length(shard, d));
        }
      }
      shardStart += shard.tokens();
    }
    if (config.onExcess() == OnExcess.FAIL && index.droppedDocuments > 0) {
      throw failure(shards, copies, config, namer, index);
    }
    return index.result();
  }

  private static long length(Shard shard, int d) {
    return shard.offset(d + 1) - shard.offset(d);
  }

  private static long pieces(long length, TokenizeConfig config) {
    if (length <= config.cutoffLen()) {
      return 1;
    }
    return config.onExcess() == OnExcess.SPLIT ? Math.ceilDiv(length, config.cutoffLen()) : 0;
  }

  private static DataException failure(
      List<Shard> shards,
      IntUnaryOperator copies,
      TokenizeConfig config,
      Namer namer,
      Index index) {
    int number = 0;
    for (int s = 0; s < shards.size(); s++) {
      for (int d = 0; d < shards.get(s).documents(); d++) {
        long length = length(shards.get(s), d);
        if (copies.applyAsInt(number++) > 0 && length > config.cutoffLen()) {
          return new DataException(
              ("%s has %,d tokens, cutoff_len is %,d (%,d such documents with %,d tokens): raise"
                      + " cutoff_len, or set on_excess to drop or split")
                  .formatted(
                      namer.name(s, d, 0, 0),
                      length,
                      config.cutoffLen(),
                      index.droppedDocuments,
                      index.droppedTokens));
        }
      }
    }
    throw new IllegalStateException("no document is too long");
  }

  /// Collects what is used and counts all.
  private static final class Index {
    private final TokenizeConfig config;
    private final long[] starts;
    private final int[] lengths;
    private int used;
    private long droppedDocuments;
    private long droppedTokens;
    private long splitDocuments;
    private long splitPieces;
    private long splitTokens;
    private long keptDocuments;
    private long keptTokens;

    Index(TokenizeConfig config, int documents) {
      this.config = config;
      starts = new long[documents];
      lengths = new int[documents];
    }

    void add(long start, long length) {
      if (length <= config.cutoffLen()) {
        keptDocuments++;
        keptTokens += length;
        use(start, (int) length);
      } else if (config.onExcess() == OnExcess.SPLIT) {
        splitDocuments++;
        for (long from = 0; from < length; from += config.cutoffLen()) {
          int piece = (int) Math.min(config.cutoffLen(), length - from);
          splitPieces++;
          splitTokens += piece;
          use(start + from, piece);
        }
      } else {
        droppedDocuments++;
        droppedTokens += length;
      }
    }

    private void use(long start, int length) {
      starts[used] = start;
      lengths[used] = length;
      used++;
    }

    Result result() {
      return new Result(
          starts,
          lengths,
          new ExcessCounts(
              droppedDocuments,
              droppedTokens,
              splitDocuments,
              splitPieces,
              splitTokens,
              keptDocuments,
              keptTokens));
    }
  }
}
